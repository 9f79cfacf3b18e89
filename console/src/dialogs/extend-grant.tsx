import { useState } from 'preact/hooks';
import { DAY_MS, formatDuration, parseDuration } from '../../../src/domain/duration.js';
import type { Api } from '../api/client.js';
import { Button } from '../components/button.js';
import { Command } from '../components/copyable.js';
import { Section } from '../components/details.js';
import { Failure } from '../components/notice.js';
import { Time, useNow } from '../components/time.js';
import { useAction } from '../state/action.js';
import { useCanWrite } from '../state/session.js';
import { type Change, changeGrant, updateCommand, useWhyWindowIsFixed } from './change-grant.js';

const HOUR_MS = DAY_MS / 24;

/** An extension of a grant in one click. */
interface Extension {
  readonly name: string;
  readonly change: Change;
}

/**
 * The extensions of a grant, if at most one use of it is left after a redemption, or two thirds of its time have passed; none of a
 * grant that the user cannot change. An extension is offered until the page is left, so that its button keeps the focus.
 */
function useExtensions(grant: Api['Grant']): readonly Extension[] {
  const now = useNow(10_000);
  const canWrite = useCanWrite();
  const isWindowFixed = useWhyWindowIsFixed(grant) !== undefined;
  const [offered] = useState(new Set<keyof Change>());
  const { redemptions, redemptionsAllowed, expirationTime, expirationWindow, state } = grant;
  if (!canWrite || grant.declaredBy || (state !== 'ready' && state !== 'exhausted')) return [];
  const windowMs = parseDuration(expirationWindow) ?? 0;
  if (redemptions > 0 && redemptions >= redemptionsAllowed - 1) offered.add('redemptionsAllowed');
  if (!isWindowFixed && Date.parse(expirationTime ?? '') - now <= windowMs / 3)
    offered.add('expirationWindow');
  const [unit, unitMs] = windowMs < 2 * DAY_MS ? ['hour', HOUR_MS] : ['day', DAY_MS];
  const extensions: readonly Extension[] = [
    { name: 'Add 1 site', change: { redemptionsAllowed: redemptionsAllowed + 1 } },
    { name: `Add 1 ${unit}`, change: { expirationWindow: formatDuration(windowMs + unitMs) } },
  ];
  return extensions.filter(({ change }) => Object.keys(change).some((each) => offered.has(each as never)));
}

/** Extends a grant that is about to end or is used up, with the commands that do the same. */
export function ExtendGrant({ grant }: { readonly grant: Api['Grant'] }) {
  const { redemptions, redemptionsAllowed, expirationTime } = grant;
  const extensions = useExtensions(grant);
  if (extensions.length === 0) return null;
  return (
    <Section title="Extend it">
      <p role="status">
        {redemptions} of {redemptionsAllowed} redeemed
        {expirationTime && (
          <>
            , expires <Time at={expirationTime} />
          </>
        )}
        .
      </p>
      {extensions.map(({ name, change }) => (
        <div class="row beside" key={name}>
          <ExtendButton grant={grant} name={name} change={change} />
          <Command label={`${name}, in a terminal`} words={updateCommand(grant, change)} />
        </div>
      ))}
    </Section>
  );
}

/** The same buttons for the row of a grant in a list. */
export function ExtendInRow({ grant }: { readonly grant: Api['Grant'] }) {
  return (
    <>
      {useExtensions(grant).map(({ name, change }) => (
        <ExtendButton key={name} {...{ grant, name, change }} label={`${name}: ${grant.name}`} />
      ))}
    </>
  );
}

interface ExtendButtonProps extends Extension {
  readonly grant: Api['Grant'];
  /** The name for screen readers, in a list. The button is then small. */
  readonly label?: string;
}

function ExtendButton({ grant, name, change, label }: ExtendButtonProps) {
  const action = useAction(() => changeGrant(grant, change));
  return (
    <>
      <Button
        onClick={action.run}
        isDisabled={action.isRunning}
        isSmall={label !== undefined}
        {...(label !== undefined && { label })}
      >
        {name}
      </Button>
      <Failure error={action.error} />
    </>
  );
}
