import { useState } from 'preact/hooks';
import { DAY_MS, formatDuration, parseDuration } from '../../../src/domain/duration.js';
import type { Api } from '../api/client.js';
import { Button } from '../components/button.js';
import { Command } from '../components/copyable.js';
import { Section } from '../components/details.js';
import { Failure } from '../components/notice.js';
import { Time, useNow } from '../components/time.js';
import { useAction } from '../state/action.js';
import { type Change, changeGrant, updateCommand, useWhyWindowIsFixed } from './change-grant.js';

const HOUR_MS = DAY_MS / 24;

/** Buttons that extend a grant of which at most one use is left after a redemption, or two thirds of its time have passed. */
export function ExtendGrant({ grant }: { readonly grant: Api['Grant'] }) {
  const now = useNow(10_000);
  const isWindowFixed = useWhyWindowIsFixed(grant) !== undefined;
  // A button stays until the page is left, so that it keeps the focus and can be used again.
  const [offered] = useState(new Set<keyof Change>());
  const { redemptions, redemptionsAllowed, expirationTime, expirationWindow, state } = grant;
  if (state !== 'ready' && state !== 'exhausted') return null;
  const windowMs = parseDuration(expirationWindow) ?? 0;
  if (redemptions > 0 && redemptions >= redemptionsAllowed - 1) offered.add('redemptionsAllowed');
  if (!isWindowFixed && Date.parse(expirationTime ?? '') - now <= windowMs / 3)
    offered.add('expirationWindow');
  if (offered.size === 0) return null;
  const [unit, unitMs] = windowMs < 2 * DAY_MS ? ['hour', HOUR_MS] : ['day', DAY_MS];
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
      {offered.has('redemptionsAllowed') && (
        <Extension grant={grant} name="Add 1 site" change={{ redemptionsAllowed: redemptionsAllowed + 1 }} />
      )}
      {offered.has('expirationWindow') && (
        <Extension
          grant={grant}
          name={`Add 1 ${unit}`}
          change={{ expirationWindow: formatDuration(windowMs + unitMs) }}
        />
      )}
    </Section>
  );
}

interface ExtensionProps {
  readonly grant: Api['Grant'];
  readonly name: string;
  readonly change: Change;
}

function Extension({ grant, name, change }: ExtensionProps) {
  const action = useAction(() => changeGrant(grant, change));
  return (
    <>
      <div class="row beside">
        <Button onClick={action.run} isDisabled={action.isRunning}>
          {name}
        </Button>
        <Command label={`${name}, in a terminal`} words={updateCommand(grant, change)} />
      </div>
      <Failure error={action.error} />
    </>
  );
}
