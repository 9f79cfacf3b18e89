import { useState } from 'preact/hooks';
import { type Api, ApiError, client, dataOf } from '../api/client.js';
import { Command, HostCommand, SAME_ON_HOST } from '../components/copyable.js';
import { ConfirmFooter, Dialog } from '../components/dialog.js';
import { OptionField } from '../components/field.js';
import { Failure, Notice } from '../components/notice.js';
import { Foreign, visible } from '../components/text.js';
import { Time, useTimesInText } from '../components/time.js';
import { useAction } from '../state/action.js';
import { href } from '../state/location.js';
import { useSession } from '../state/session.js';
import { CutGuide } from './cut-guide.js';
import { type Source, SourceOptions } from './source-options.js';

type Goal = 'revoke' | 'cut';

interface RevokeLinkProps {
  readonly link: Api['RedemptionDetail'];
  readonly onClose: () => void;
}

/** A dialog that revokes a link, and on request guides through cutting it off. */
export function RevokeLink({ link, onClose }: RevokeLinkProps) {
  const { isCluster } = useSession();
  const [goal, setGoal] = useState<Goal>(link.revokedAt && !isCluster ? 'cut' : 'revoke');
  const [source, setSource] = useState<Source>();
  const { id, subject } = link;
  const action = useAction(async () => {
    const revoked = await dataOf(
      client.POST('/api/v1/redemptions/{id}/revoke', {
        params: { path: { id } },
        body: source === undefined ? {} : { source },
      }),
    );
    if (goal === 'cut') requireRevokedSource(revoked);
    return revoked;
  });
  const changeGoal = (changed: Goal) => {
    setGoal(changed);
    // Clear the selection: the new goal may lack this option (cutting off does not offer `keep-token`).
    setSource(undefined);
  };
  const { result, error } = action;
  const choices = error?.code === 'source_redeemable' ? (error.choices as Source[]) : [];
  const isChoosing = choices.length > 0;
  const title =
    goal === 'cut' ? `Cut off the link of ${visible(subject)}` : `Revoke the link of ${visible(subject)}`;
  const words = ['redemption', 'revoke', id, ...(source ? [`--${source}`] : [])];
  const effect = (
    <>
      the certificate cannot be renewed. The link stays connected, and can reconnect until{' '}
      <Time at={(link.newest ?? link).notAfter} />.
    </>
  );
  if (result && goal === 'cut') return <CutGuide link={link} title={title} onClose={onClose} />;
  return (
    <Dialog
      title={title}
      onClose={onClose}
      footer={
        <ConfirmFooter
          name={goal === 'cut' ? 'Revoke, then cut off' : 'Revoke'}
          action={action}
          isDisabled={isChoosing && source === undefined}
          onClose={onClose}
        />
      }
    >
      {result ? (
        <RevokedLink result={result} />
      ) : (
        <>
          {isCluster ? (
            <p>
              From now on {effect} To cut it off earlier, replace the CA for its site:
              docs/how-to/revoke-links.md
            </p>
          ) : (
            <fieldset class="choices stack">
              <legend>What do you want?</legend>
              <OptionField group="goal" isChecked={goal === 'revoke'} onInput={() => changeGoal('revoke')}>
                <strong>Revoke:</strong> {effect}
              </OptionField>
              <OptionField group="goal" isChecked={goal === 'cut'} onInput={() => changeGoal('cut')}>
                <strong>Cut off:</strong> revoke the link, then replace its CA step by step, so that the link
                can no longer connect. All other links renew first.
              </OptionField>
            </fieldset>
          )}
          {isChoosing && (
            <SourceOptions
              legend="The site could join again, because its token or grant is not used up. Revoke it too?"
              choices={choices.filter((choice) => goal === 'revoke' || choice !== 'keep-token')}
              value={source}
              onSelect={setSource}
            />
          )}
          {goal === 'cut' ? (
            <HostCommand words={[...words, '--cut']} label={SAME_ON_HOST} />
          ) : (
            <Command words={words} />
          )}
        </>
      )}
      <Failure error={isChoosing ? undefined : error} />
    </Dialog>
  );
}

/**
 * Throws ApiError `source_redeemable` if the token or grant of the link can still be redeemed: after the cut, the site could
 * join again with it. The API requires no choice for a link that is already revoked, so the dialog checks this itself.
 */
function requireRevokedSource({ source }: Api['RevokedRedemption']): void {
  if (source?.choice !== 'keep-token') return;
  const choices: Source[] = source.tokenId === undefined ? ['with-grant'] : ['with-token', 'with-grant'];
  throw new ApiError('source_redeemable', 'The token or grant can be redeemed.', { choices });
}

function RevokedLink({ result }: { readonly result: Api['RevokedRedemption'] }) {
  const withTimes = useTimesInText();
  return (
    <>
      <Notice kind="success" title="The link is revoked" isLive>
        <p>It can still {withTimes(result.redemption.remaining)}.</p>
      </Notice>
      {result.related.length > 0 && (
        <div>
          <p>The same site may also have these links:</p>
          <ul class="pf-v6-c-list">
            {result.related.map(({ id, name, subject }) => (
              <li key={id}>
                <a href={href(`/links/${id}`)}>
                  <Foreign text={name} /> of <Foreign text={subject} />
                </a>
              </li>
            ))}
          </ul>
        </div>
      )}
    </>
  );
}
