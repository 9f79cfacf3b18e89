import { Button } from '../components/button.js';
import { Failure } from '../components/notice.js';
import { useAction } from '../state/action.js';

/** The confirmation in place: at most one is open. */
export interface Question {
  /** The `id` of its {@link RevokeButton}. */
  readonly openId: string | undefined;
  readonly setOpenId: (id: string | undefined) => void;
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
  return (
    // Without the question, its empty element takes no space.
    <div class={isConfirming ? 'stack' : undefined}>
      <div>
        {/* The same element becomes Cancel and keeps the focus, so that a second Enter revokes nothing. */}
        <Button
          isSmall
          label={isConfirming ? `Cancel: revoke ${what}` : `Revoke ${what}`}
          isDisabled={action.isRunning}
          onClick={() => question.setOpenId(isConfirming ? undefined : id)}
        >
          {isConfirming ? 'Cancel' : name}
        </Button>
      </div>
      <p role="status">{isConfirming && [`Really revoke ${what}?`, warning].filter(Boolean).join(' ')}</p>
      {/* Below Cancel, which can be shorter than the first button: beside it, the second click of a double click would revoke. */}
      {isConfirming && (
        <div>
          <Button
            isSmall
            kind="danger"
            label={`Really revoke ${what}`}
            isDisabled={action.isRunning}
            // Another question that closes above can move this button under the pointer before the second click of a double click.
            onClick={({ detail }) => detail < 2 && action.run()}
          >
            Really revoke
          </Button>
        </div>
      )}
      <Failure error={action.error} />
    </div>
  );
}
