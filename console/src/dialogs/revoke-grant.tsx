import { useState } from 'preact/hooks';
import { operand } from '../../../src/domain/shell-words.js';
import { type Api, client, dataOf } from '../api/client.js';
import { Command } from '../components/copyable.js';
import { ConfirmFooter, Dialog } from '../components/dialog.js';
import { OptionField } from '../components/field.js';
import { Failure, Loaded, Notice } from '../components/notice.js';
import { countText, visible } from '../components/text.js';
import { Time } from '../components/time.js';
import { useAction } from '../state/action.js';
import { useResource } from '../state/resource.js';
import { useSession } from '../state/session.js';
import { lostTokensText, readOpenGrant } from './ways-in.js';

/** A dialog that revokes a grant and explains the effect on its links. */
export function RevokeGrant({
  grant,
  onClose,
}: {
  readonly grant: Api['Grant'];
  readonly onClose: () => void;
}) {
  const [cascade, setCascade] = useState(false);
  const { isCluster } = useSession();
  const { uid, name, namespace } = grant;
  const action = useAction(() =>
    dataOf(client.POST('/api/v1/grants/{uid}/revoke', { params: { path: { uid } }, body: { cascade } })),
  );
  const open = useResource(
    `grants/${uid}/open`,
    async (signal) => (await readOpenGrant(uid, signal)) ?? null,
    ['grants', 'ledger'],
  );
  const { result } = action;
  return (
    <Dialog
      title={`Revoke grant ${visible(name)}`}
      onClose={onClose}
      footer={<ConfirmFooter name="Revoke" action={action} onClose={onClose} />}
    >
      {result ? (
        <Notice kind="success" title={`Grant ${visible(name)} is revoked`} isLive>
          {result.links > 0 && (
            <p>
              It has {countText(result.links, 'live link')}
              {result.lastEnd && (
                <>
                  ; the last certificate ends <Time at={result.lastEnd} />
                </>
              )}
              .{' '}
              {cascade
                ? 'Their certificates can no longer be renewed.'
                : 'These links stay and can be renewed.'}
              {cascade && !isCluster && ' To disconnect a link now, cut it off on its page.'}
            </p>
          )}
        </Notice>
      ) : (
        <>
          <ul class="pf-v6-c-list">
            <li>From now on no site can join with this grant or its tokens. This cannot be undone.</li>
            <li>Existing links stay connected.</li>
            <li>Unless you select the option below, their certificates can still be renewed.</li>
          </ul>
          <Loaded resource={open}>
            {(found) => {
              const warning = lostTokensText(found?.tokens ?? []);
              return warning && <p>{warning}</p>;
            }}
          </Loaded>
          <OptionField isChecked={cascade} onInput={setCascade}>
            Also revoke its links: their certificates cannot be renewed. Each link can connect until its
            certificate expires.
          </OptionField>
          <Command
            words={[
              'grant',
              'revoke',
              operand(name),
              '--namespace',
              namespace,
              ...(cascade ? ['--cascade'] : []),
            ]}
          />
        </>
      )}
      <Failure error={action.error} />
    </Dialog>
  );
}
