import { client, dataOf } from '../api/client.js';
import { Command } from '../components/copyable.js';
import { ConfirmFooter, Dialog } from '../components/dialog.js';
import { Failure, Notice } from '../components/notice.js';
import { countText, Mono } from '../components/text.js';
import { useAction } from '../state/action.js';

interface RevokeTokenProps {
  readonly grantUid: string;
  readonly id: string;
  readonly onClose: () => void;
}

/** A dialog that revokes a signed token. */
export function RevokeToken({ grantUid, id, onClose }: RevokeTokenProps) {
  const action = useAction(() =>
    dataOf(client.POST('/api/v1/tokens/{id}/revoke', { params: { path: { id } }, body: { grantUid } })),
  );
  const { result } = action;
  return (
    <Dialog
      title="Revoke a token"
      onClose={onClose}
      footer={<ConfirmFooter name="Revoke" action={action} onClose={onClose} />}
    >
      {result ? (
        <Notice kind="success" title="The token is revoked" isLive>
          {result.links.length > 0 && (
            <p>The token has {countText(result.links.length, 'link')}. To revoke a link, open its page.</p>
          )}
        </Notice>
      ) : (
        <>
          <p>
            From now on no site can join with token <Mono text={id} />. Links that it created stay.
          </p>
          <Command words={['token', 'revoke', id, '--grant', grantUid]} />
        </>
      )}
      <Failure error={action.error} />
    </Dialog>
  );
}
