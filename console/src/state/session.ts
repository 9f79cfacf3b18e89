import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { Session } from '../api/client.js';

/** The session of the user. */
export const SessionContext = createContext<Session | undefined>(undefined);

/** The session of the user. Throws an Error outside the SessionContext. */
export function useSession(): Session {
  const session = useContext(SessionContext);
  if (!session) throw new Error('a screen is shown only with a session');
  return session;
}

/** True if the user may change something. */
export function useCanWrite(): boolean {
  return useSession().role === 'operator';
}

/** The namespace flags of a list command: for the namespace `filter`, else the only namespace of the console, else all. */
export function useNamespaceFlags(filter: string | undefined): readonly string[] {
  const session = useSession();
  const namespace = filter ?? session.namespace;
  return namespace === undefined ? ['-A'] : ['--namespace', namespace];
}
