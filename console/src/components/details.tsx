import type { ComponentChildren } from 'preact';

/** A list with one row for each entry: the name, and the value beside it. Entries without a value are omitted. */
export function Details({
  entries,
}: {
  readonly entries: readonly (readonly [name: string, value: ComponentChildren])[];
}) {
  return (
    <dl class="pf-v6-c-description-list pf-m-horizontal pf-m-compact">
      {entries
        .filter(([, value]) => value !== undefined && value !== '' && value !== null && value !== false)
        .map(([name, value]) => (
          <div class="pf-v6-c-description-list__group" key={name}>
            <dt class="pf-v6-c-description-list__term">{name}</dt>
            <dd class="pf-v6-c-description-list__description">{value}</dd>
          </div>
        ))}
    </dl>
  );
}

/** A block of a page with a heading. */
export function Section({
  title,
  children,
  action,
}: {
  readonly title: string;
  readonly children: ComponentChildren;
  readonly action?: ComponentChildren;
}) {
  return (
    <section class="pf-v6-c-card" aria-label={title}>
      <div class="pf-v6-c-card__header">
        {action && <div class="pf-v6-c-card__actions pf-m-no-offset">{action}</div>}
        <div class="pf-v6-c-card__title">
          <h2 class="pf-v6-c-card__title-text">{title}</h2>
        </div>
      </div>
      <div class="pf-v6-c-card__body stack">{children}</div>
    </section>
  );
}
