import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { roughDuration } from '../../../src/domain/duration.js';
import type { ApiError } from '../api/client.js';
import type { Resource } from '../state/resource.js';
import { useObservesConnections, useService } from '../state/service.js';
import { Icon } from './icon.js';
import { hintOfConsole } from './policy.js';
import { Prose, sentence, visible } from './text.js';
import { useNow } from './time.js';

const ICONS = { success: 'ok', info: 'info', warning: 'warning', danger: 'danger' } as const;

interface NoticeProps {
  readonly kind: keyof typeof ICONS;
  readonly title: string;
  readonly children?: ComponentChildren;
  /** True for a notice that appears after an action: screen readers read it out. */
  readonly isLive?: boolean;
}

/** A message in the page. */
export function Notice({ kind, title, children, isLive }: NoticeProps) {
  return (
    <div class={`pf-v6-c-alert pf-m-inline pf-m-${kind}`} role={isLive ? 'alert' : undefined}>
      <div class="pf-v6-c-alert__icon">
        <Icon name={ICONS[kind]} />
      </div>
      <p class="pf-v6-c-alert__title">{title}</p>
      {children && <div class="pf-v6-c-alert__description">{children}</div>}
    </div>
  );
}

/** Says in a dialog that `linkgrant console` has ended. */
export function EndedNotice() {
  return (
    <Notice kind="danger" title="linkgrant console has ended" isLive>
      <p>Start it again and open its new address.</p>
    </Notice>
  );
}

/** Says why no site can join at the moment; nothing while the service can serve sites. */
export function ServiceNotice() {
  const { problem } = useService();
  if (problem === undefined) return null;
  return (
    <Notice kind="warning" title="No site can join at the moment" isLive>
      <p>{sentence(visible(problem))} Tokens work again as soon as the service is ready.</p>
    </Notice>
  );
}

/** Says how the console can show which links are connected; nothing if it can. */
export function UnobservedNotice() {
  if (useObservesConnections() !== false) return null;
  return (
    <p class="subtle">
      <Prose text="Which links are connected is not known here: a network observer of Skupper reports it. Start the service, or `linkgrant console` on its store, with `--observer URL`." />
    </p>
  );
}

/** The error of an action, with its remedy. Scrolls into view when it appears. */
export function Failure({ error }: { readonly error: ApiError | undefined }) {
  const frame = useRef<HTMLDivElement>(null);
  useEffect(() => frame.current?.scrollIntoView({ block: 'nearest' }), [error]);
  if (!error) return null;
  return (
    <div ref={frame}>
      <Notice kind="danger" title={sentence(error.message)} isLive>
        {error.hint && <p>{sentence(hintOfConsole(error.hint))}</p>}
      </Notice>
    </div>
  );
}

/**
 * Shows the data of a resource. After a failed read it also shows the error and the age of the data; if there are no data, only
 * the error.
 */
export function Loaded<T>({
  resource,
  children,
}: {
  readonly resource: Resource<T>;
  readonly children: (data: T) => ComponentChildren;
}) {
  const { data, error, readAt } = resource;
  if (data === undefined && error) return <Failure error={error} />;
  if (data === undefined)
    return (
      <p class="loading subtle" role="status">
        Loading …
      </p>
    );
  return (
    <>
      {error && readAt !== undefined && <StaleNotice error={error} readAt={readAt} />}
      {children(data)}
    </>
  );
}

/** Shows the error of the last read and the age of the data. A separate component: only the notice renders again each second. */
function StaleNotice({ error, readAt }: { readonly error: ApiError; readonly readAt: number }) {
  const age = roughDuration(useNow(1_000) - readAt);
  return (
    <Notice kind="warning" title={`${sentence(error.message)} This is how it was ${age} ago.`}>
      {error.hint && <p>{sentence(error.hint)}</p>}
    </Notice>
  );
}

/** Says why a list is empty, and what to do. */
export function EmptyState({
  title,
  children,
}: {
  readonly title: string;
  readonly children: ComponentChildren;
}) {
  return (
    <div class="pf-v6-c-empty-state pf-m-lg">
      <div class="pf-v6-c-empty-state__content">
        <h2 class="pf-v6-c-empty-state__title-text">{title}</h2>
        <div class="pf-v6-c-empty-state__body stack">{children}</div>
      </div>
    </div>
  );
}
