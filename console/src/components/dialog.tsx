import type { ComponentChildren } from 'preact';
import { useEffect, useId, useLayoutEffect, useRef } from 'preact/hooks';
import type { Action } from '../state/action.js';
import { guardLeaving } from '../state/location.js';
import { useHasEnded } from '../state/service.js';
import { Button } from './button.js';
import { Icon } from './icon.js';
import { EndedNotice } from './notice.js';

// If a dangerous action got the focus, the next Enter would run it.
const SAFE_FOOTER_BUTTON = '.pf-v6-c-modal-box__footer button:not(.pf-m-danger)';

interface DialogProps {
  readonly title: string;
  readonly children: ComponentChildren;
  readonly footer: ComponentChildren;
  readonly onClose: () => void;
  /** Present while closing would lose data: called instead of `onClose`, and instead of opening another page. */
  readonly warnOfLoss?: (() => void) | undefined;
  readonly onSubmit?: () => void;
}

/**
 * A modal dialog. It is a `<dialog>` element, so that the page behind it is inert. When it closes, the focus returns to the
 * element that opened it, or to the content of the page if that element was removed.
 */
export function Dialog({ title, children, footer, onClose, warnOfLoss, onSubmit }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  const close = useRef(onClose);
  close.current = warnOfLoss ?? onClose;
  const isGuarded = warnOfLoss !== undefined;
  const hasEnded = useHasEnded();
  // If a dialog replaces another one, the first must return the focus before the second records its opener. The order of
  // `useEffect` is not reliable: an early render runs the new effects before the old cleanup.
  useLayoutEffect(() => {
    const opener = document.activeElement;
    const element = dialog.current;
    element?.showModal();
    // A listener of the dialog would receive no keys after the focused button was removed.
    const closeByEscape = (event: KeyboardEvent) => {
      if (event.key !== 'Escape') return;
      event.preventDefault();
      close.current();
    };
    document.addEventListener('keydown', closeByEscape);
    return () => {
      document.removeEventListener('keydown', closeByEscape);
      element?.close();
      if (opener instanceof HTMLElement) opener.focus();
    };
  }, []);
  useEffect(
    () => () => {
      // The opener was removed, for example the button of a revoked token, or together with the dialog.
      if (document.activeElement === document.body) document.querySelector('main')?.focus();
    },
    [],
  );
  useEffect(() => {
    if (document.activeElement === document.body)
      dialog.current?.querySelector<HTMLElement>(SAFE_FOOTER_BUTTON)?.focus();
  });
  useEffect(() => {
    if (!isGuarded) return;
    return guardLeaving(() => {
      close.current();
      return false;
    });
  }, [isGuarded]);
  const content = (
    <>
      <div class="pf-v6-c-modal-box__close">
        <Button kind="plain" label="Close" onClick={() => close.current()}>
          <Icon name="close" />
        </Button>
      </div>
      <header class="pf-v6-c-modal-box__header">
        <h1 class="pf-v6-c-modal-box__title" id={id}>
          {title}
        </h1>
      </header>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a text that scrolls must be reachable by keyboard. */}
      <section class="pf-v6-c-modal-box__body stack" tabIndex={0} aria-labelledby={id}>
        {hasEnded && <EndedNotice />}
        {children}
      </section>
      <footer class="pf-v6-c-modal-box__footer">{footer}</footer>
    </>
  );
  return (
    <dialog
      ref={dialog}
      class="pf-v6-c-modal-box dialog"
      aria-labelledby={id}
      onCancel={(event) => event.preventDefault()}
    >
      {onSubmit ? (
        <form
          class="dialog-form"
          onSubmit={(event) => {
            event.preventDefault();
            onSubmit();
          }}
        >
          {content}
        </form>
      ) : (
        content
      )}
    </dialog>
  );
}

interface FooterProps {
  /** The text of the button for the action. */
  readonly name: string;
  readonly action: Action<unknown>;
  readonly onClose: () => void;
  /** True if the action is not possible now; it is also disabled while it runs. */
  readonly isDisabled?: boolean;
}

interface ConfirmFooterProps extends FooterProps {
  /** What the user must do before the action, as a sentence. */
  readonly whyDisabled?: string | undefined;
}

/** The footer of a form: its submit button and Cancel. */
export function SubmitFooter({ name, action, onClose, isDisabled = false }: FooterProps) {
  return (
    <>
      <Button kind="primary" type="submit" isDisabled={action.isRunning || isDisabled}>
        {name}
      </Button>
      <Button kind="link" onClick={onClose}>
        Cancel
      </Button>
    </>
  );
}

/** The footer of a dialog that confirms a dangerous action: the action and Cancel, or only Done after success. */
export function ConfirmFooter({
  name,
  action,
  onClose,
  isDisabled = false,
  whyDisabled,
}: ConfirmFooterProps) {
  if (action.result !== undefined)
    return (
      <Button kind="primary" onClick={onClose}>
        Done
      </Button>
    );
  return (
    <>
      <Button kind="danger" isDisabled={action.isRunning || isDisabled} onClick={action.run}>
        {name}
      </Button>
      <Button kind="link" onClick={onClose}>
        Cancel
      </Button>
      <span role="status">{whyDisabled}</span>
    </>
  );
}
