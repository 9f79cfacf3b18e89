import { useEffect } from 'preact/hooks';
import { client, dataOf } from '../api/client.js';
import { Button } from '../components/button.js';
import { Failure } from '../components/notice.js';
import { useAction } from '../state/action.js';

/** The confirmation in place: at most one is open. */
export interface Question {
  /** The `id` of its {@link RevokeButton}. */
  readonly openId: string | undefined;
  readonly open: (id: string) => void;
  /** Does nothing if another question is open. */
  readonly close: (id: string) => void;
  /** Called after the confirmed revocation, with what was revoked. */
  readonly onRevoked: (what: string) => void;
}

interface RevokeButtonProps {
  /** Identifies the grant or token among those that are shown. */
  readonly id: string;
  readonly name: string;
  /** What is revoked, for labels and the notice of success. */
  readonly what: string;
  /** What else ends, as a sentence; empty if nothing does. */
  readonly warning?: string;
  readonly perform: () => Promise<unknown>;
  readonly question: Question;
}

/** A button that shows a second one, which revokes a grant or token. */
export function RevokeButton({ id, name, what, warning, perform, question }: RevokeButtonProps) {
  const isConfirming = question.openId === id;
  const action = useAction(perform, () => question.onRevoked(what));
  useEffect(() => () => question.close(id), [id]);
  return (
    // Without the question, its empty element takes no space.
    <div class={isConfirming ? 'stack' : undefined}>
      <p role="status">{isConfirming && [`Really revoke ${what}?`, warning].filter(Boolean).join(' ')}</p>
      <div class="row">
        {/* The same element becomes Cancel and keeps the focus, so that a second Enter revokes nothing. */}
        <Button
          isSmall
          label={isConfirming ? `Cancel: revoke ${what}` : `Revoke ${what}`}
          isDisabled={action.isRunning}
          onClick={() => (isConfirming ? question.close(id) : question.open(id))}
        >
          {isConfirming ? 'Cancel' : name}
        </Button>
        {isConfirming && (
          <Button
            isSmall
            kind="danger"
            label={`Really revoke ${what}`}
            isDisabled={action.isRunning}
            // The second click of a double click on the first button can be on this one.
            onClick={({ detail }) => detail < 2 && action.run()}
          >
            Really revoke
          </Button>
        )}
      </div>
      <Failure error={action.error} />
    </div>
  );
}

/** Revokes a grant and its open tokens; its links stay. */
export function revokeGrant(uid: string): Promise<unknown> {
  return dataOf(
    client.POST('/api/v1/grants/{uid}/revoke', { params: { path: { uid } }, body: { cascade: false } }),
  );
}
