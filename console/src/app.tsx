import { useEffect, useState } from 'preact/hooks';
import { followChanges } from './api/changes.js';
import { onSession, readSession, type Session } from './api/client.js';
import { Masthead } from './components/masthead.js';
import { Navigation } from './components/navigation.js';
import { CurrentScreen } from './routes.js';
import { ConsoleEnded, SignedOut, Starting } from './screens/signed-out.js';
import { useLocation } from './state/location.js';
import { followService, useHasEnded } from './state/service.js';
import { SessionContext } from './state/session.js';

type State =
  | { readonly kind: 'starting'; readonly error?: string }
  | { readonly kind: 'signed-in'; readonly session: Session }
  | { readonly kind: 'signed-out'; readonly signIn: string | null; readonly hasEnded: boolean };

const RETRY_MS = 3_000;

/** The console: reads the session, then shows the screen that the address names, or how to sign in. */
export function App() {
  const [state, setState] = useState<State>({ kind: 'starting' });
  useEffect(() => {
    const start = async (hasEnded: boolean) => {
      try {
        const found = await readSession();
        setState(
          'user' in found
            ? { kind: 'signed-in', session: found }
            : { kind: 'signed-out', signIn: found.signIn, hasEnded },
        );
      } catch {
        setState({ kind: 'starting', error: 'The service does not answer. The console tries again.' });
        setTimeout(() => void start(hasEnded), RETRY_MS);
      }
    };
    onSession.ended = () => void start(true);
    void start(false);
  }, []);
  const isSignedIn = state.kind === 'signed-in';
  useEffect(() => {
    if (!isSignedIn) return;
    const stopService = followService();
    const stopChanges = followChanges();
    return () => {
      stopService();
      stopChanges();
    };
  }, [isSignedIn]);

  if (state.kind === 'starting') return <Starting error={state.error} />;
  if (state.kind === 'signed-out') return <SignedOut {...state} />;
  return (
    <SessionContext.Provider value={state.session}>
      <div class="pf-v6-c-skip-to-content">
        <a class="pf-v6-c-button pf-m-primary" href="#content">
          Skip to the content
        </a>
      </div>
      <Frame />
    </SessionContext.Provider>
  );
}

/** The masthead, the menu and the current screen. In a narrow window a button opens the menu; another page closes it. */
function Frame() {
  const location = useLocation();
  const [openAt, setOpenAt] = useState<object>();
  const isOpen = openAt === location;
  return (
    <div class={`frame ${isOpen ? '' : 'menu-closed'}`}>
      <Masthead isMenuOpen={isOpen} onMenu={() => setOpenAt(isOpen ? undefined : location)} />
      <Navigation />
      <Content />
    </div>
  );
}

/** The current screen. After the end of `linkgrant console` only its dialog stays visible: a token is shown only once. */
function Content() {
  const hasEnded = useHasEnded();
  return (
    <main id="content" tabIndex={-1} class={hasEnded ? 'ended' : undefined}>
      {hasEnded && <ConsoleEnded />}
      <CurrentScreen />
    </main>
  );
}
