import type { ComponentChildren } from 'preact';
import { Command } from '../components/copyable.js';
import { Notice } from '../components/notice.js';

/** A page without a session; `console/message.html` has the same elements. */
function Outside({ children }: { readonly children: ComponentChildren }) {
  return (
    <main class="outside">
      <p class="brand">linkgrant</p>
      <div class="pf-v6-c-card">
        <div class="pf-v6-c-card__body stack">{children}</div>
      </div>
    </main>
  );
}

/** Shown until the service has reported who the user is. */
export function Starting({ error }: { readonly error: string | undefined }) {
  return (
    <Outside>
      {error ? <Notice kind="warning" title={error} isLive /> : <p role="status">Loading …</p>}
    </Outside>
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
  if (signIn === null)
    return (
      <Outside>
        <h1 class="pf-v6-c-title pf-m-2xl">
          {hasEnded ? 'This session has ended' : 'This browser has no session'}
        </h1>
        <p>
          To open the console, press Enter in the terminal where <code class="mono">linkgrant console</code>{' '}
          runs, and open the URL that it prints. If it has ended, start it again.
        </p>
        <p class="subtle">Each URL works once, and for 60 seconds.</p>
      </Outside>
    );
  return (
    <Outside>
      <h1 class="pf-v6-c-title pf-m-2xl">{hasEnded ? 'Your session has ended' : 'You are not signed in'}</h1>
      <p>
        Sign in with the account that your team uses for linkgrant.
        {hasEnded && ' You then return to this page.'}
      </p>
      <a class="pf-v6-c-button pf-m-primary" href={signIn}>
        <span class="pf-v6-c-button__text">Sign in</span>
      </a>
    </Outside>
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
