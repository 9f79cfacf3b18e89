import { Command } from '../components/copyable.js';
import { EmptyState, Notice } from '../components/notice.js';

/** Shown until the service has reported who the user is. */
export function Starting({ error }: { readonly error: string | undefined }) {
  return (
    <main class="outside">
      {error ? <Notice kind="warning" title={error} isLive /> : <p role="status">Loading …</p>}
    </main>
  );
}

interface SignedOutProps {
  /** The URL that starts a sign-in; null if only a terminal can start a session. */
  readonly signIn: string | null;
  /** True if there was a session. */
  readonly hasEnded: boolean;
}

/** Shown without a session: how to start one. */
export function SignedOut({ signIn, hasEnded }: SignedOutProps) {
  return (
    <main class="outside">
      <h1 class="pf-v6-c-title pf-m-2xl">linkgrant console</h1>
      {signIn === null ? (
        <EmptyState title={hasEnded ? 'This session has ended' : 'This browser has no session'}>
          <p>
            The URL of this console works only once. To open the console again, press Enter in the terminal
            where <code class="mono">linkgrant console</code> runs, and open the URL that it prints.
          </p>
        </EmptyState>
      ) : (
        <EmptyState title={hasEnded ? 'Your session has ended' : 'You are not signed in'}>
          <p>
            Sign in with the account that your team uses for linkgrant.
            {hasEnded && ' You then return to this page.'}
          </p>
          <a class="pf-v6-c-button pf-m-primary" href={signIn}>
            <span class="pf-v6-c-button__text">Sign in</span>
          </a>
        </EmptyState>
      )}
    </main>
  );
}

/** Shown in place of a screen after the end of `linkgrant console`. */
export function ConsoleEnded() {
  return (
    <div class="ended-notice stack">
      <h1 class="pf-v6-c-title pf-m-2xl">linkgrant console has ended</h1>
      <p>Start it again and open its new address.</p>
      <Command words={['console']} label="Start it again" />
    </div>
  );
}
