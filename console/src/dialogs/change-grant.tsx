import { useState } from 'preact/hooks';
import { stateWords } from '../../../src/domain/access-grant.js';
import { operand } from '../../../src/domain/shell-words.js';
import { type Api, client, dataOf } from '../api/client.js';
import { Command } from '../components/copyable.js';
import { Dialog, SubmitFooter } from '../components/dialog.js';
import { Failure, Notice } from '../components/notice.js';
import { policyFlags, RULES } from '../components/policy.js';
import { Foreign } from '../components/text.js';
import { useAction } from '../state/action.js';
import { useSession } from '../state/session.js';
import { GrantFields, hasGrantField } from './grant-fields.js';

/** What this console changes of a grant. */
export type Change = Pick<Api['GrantChange'], 'redemptionsAllowed' | 'expirationWindow' | 'policy'>;

interface ChangeGrantProps {
  readonly grant: Api['GrantDetail'];
  readonly onClose: () => void;
}

/** A dialog that changes the sites allowed, the expiry and the rules of a grant. */
export function ChangeGrant({ grant, onClose }: ChangeGrantProps) {
  // Only what differs from this is saved, because another user may change the rest while the dialog is open.
  const [before] = useState(grant);
  const [uses, setUses] = useState(String(before.redemptionsAllowed));
  const [window, setWindow] = useState(before.expirationWindow);
  const [policy, setPolicy] = useState(before.policy ?? {});
  const whyFixed = useWhyWindowIsFixed(before);
  const changed = RULES.filter(({ setting }) => policy[setting] !== before.policy?.[setting]);
  const change: Change = {
    ...(uses !== String(before.redemptionsAllowed) && { redemptionsAllowed: Number(uses) }),
    ...(window !== before.expirationWindow && { expirationWindow: window }),
    ...(changed.length > 0 && {
      policy: Object.fromEntries(changed.map(({ setting }) => [setting, policy[setting] ?? null])),
    }),
  };
  const isUnchanged = Object.keys(change).length === 0;
  const action = useAction(() => changeGrant(grant, change), onClose);
  const { error } = action;
  const redeemed = grant.redemptions;
  const overtaken = changedMeanwhile(change, before, grant);
  return (
    <Dialog
      title="Change the grant"
      onClose={onClose}
      onSubmit={action.run}
      footer={<SubmitFooter name="Save" action={action} onClose={onClose} isDisabled={isUnchanged} />}
    >
      <div class="pf-v6-c-form">
        <GrantFields
          {...{ uses, setUses, window, policy, setPolicy, error }}
          setWindow={whyFixed === undefined ? setWindow : undefined}
          windowHelp="Counted from when the grant was first ready. For example 15m, 1h or 7d."
        />
      </div>
      {whyFixed && <p>{whyFixed}</p>}
      {overtaken.length > 0 && (
        <Notice kind="warning" title="The grant was changed meanwhile" isLive>
          <p>
            It now has: <Foreign text={overtaken.join('; ')} />. <em>Save</em> replaces this.
          </p>
        </Notice>
      )}
      <p aria-live="polite">
        {`${redeemed} of ${uses} redeemed.`}
        {Number(uses) <= redeemed && ' So no further site can join.'}
      </p>
      {isUnchanged ? (
        <p class="subtle">Nothing is changed yet.</p>
      ) : (
        <Command words={updateCommand(grant, change)} />
      )}
      {!hasGrantField(error) && <Failure error={error} />}
    </Dialog>
  );
}

/** Changes a grant. */
export function changeGrant({ uid }: Api['Grant'], body: Change): Promise<Api['Grant']> {
  return dataOf(client.PATCH('/api/v1/grants/{uid}', { params: { path: { uid } }, body }));
}

type FieldOfGrant = readonly [label: string, read: (change: Change) => string | number | null | undefined];

const FIELDS: readonly FieldOfGrant[] = [
  ['How many sites can join', ({ redemptionsAllowed }) => redemptionsAllowed],
  ['How long it can be redeemed', ({ expirationWindow }) => expirationWindow],
  ...RULES.map(({ setting, label }): FieldOfGrant => [label, ({ policy }) => policy?.[setting]]),
];

/**
 * The fields that `change` would overwrite although another user has changed them, each with its present value. A field that already
 * has the new value is not one of them: `change` was saved, but the response was lost.
 */
function changedMeanwhile(change: Change, before: Api['Grant'], now: Api['Grant']): string[] {
  return FIELDS.flatMap(([label, read]) => {
    const [wanted, present] = [read(change), read(now)];
    const isOvertaken = wanted !== undefined && present !== read(before) && (present ?? null) !== wanted;
    return isOvertaken ? [`${label}: ${present || 'none'}`] : [];
  });
}

/** The command that changes a grant. */
export function updateCommand({ name, namespace }: Api['Grant'], change: Change): string[] {
  const { redemptionsAllowed, expirationWindow, policy = {} } = change;
  const rules = Object.entries(policy);
  const removed = RULES.filter(({ setting }) => policy[setting] === null);
  return [
    ...['grant', 'update', operand(name), '--namespace', namespace],
    ...(redemptionsAllowed === undefined ? [] : ['--redemptions-allowed', String(redemptionsAllowed)]),
    ...(expirationWindow === undefined ? [] : ['--expiration-window', expirationWindow]),
    ...policyFlags(Object.fromEntries(rules.filter(([, value]) => value !== null))),
    ...(removed.length === 0
      ? []
      : ['--unset', removed.map(({ flag }) => flag.slice('--'.length)).join(',')]),
  ];
}

/** Why the expiry of a grant cannot be changed, as a sentence; undefined if it can. */
export function useWhyWindowIsFixed({ state, expirationTime }: Api['Grant']): string | undefined {
  const { isCluster } = useSession();
  if (state === 'expired' || state === 'revoked')
    return `The grant is ${stateWords(state)}, so its expiry cannot be changed. Its rules also apply to the renewals of its links.`;
  if (isCluster && expirationTime)
    return 'In a cluster the expiry of a grant cannot be changed after it was first ready. Create another grant.';
  return undefined;
}
