import { Copyable } from '../components/copyable.js';
import { EmptyState, Notice } from '../components/notice.js';

/** Shown until the service has reported who the user is. */
export function Starting({ error }: { readonly error: string | undefined }) {
  return (
    <main class="outside">
      {error ? <Notice kind="warning" title={error} isLive /> : <p role="status">Loading …</p>}
    </main>
  );
}

/** Shown without a session: how to start one. */
export function SignedOut({ signIn }: { readonly signIn: string | null }) {
  return (
    <main class="outside">
      <h1 class="pf-v6-c-title pf-m-2xl">linkgrant console</h1>
      {signIn === null ? (
        <EmptyState title="This session has ended">
          <p>
            The URL of this console works only once. To open the console again, run the command and open the
            URL that it prints:
          </p>
          <Copyable label="Command" text="linkgrant console" />
        </EmptyState>
      ) : (
        <EmptyState title="You are not signed in">
          <p>Sign in with the account that your team uses for linkgrant.</p>
          <a class="pf-v6-c-button pf-m-primary" href={signIn}>
            <span class="pf-v6-c-button__text">Sign in</span>
          </a>
        </EmptyState>
      )}
    </main>
  );
}
