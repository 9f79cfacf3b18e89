import { isSubject } from './names.js';

const ACTOR_KINDS = ['oidc', 'local', 'file', 'kubernetes'] as const;
/** The part of an actor that names its kind, up to the colon. */
export const ACTOR_KIND = new RegExp(`^(?:${ACTOR_KINDS.join('|')}):`, 'i');

/** The user, file or service that made a change, as the ledger records it. */
export interface Actor {
  /** `service`, or `oidc:SUBJECT`, `local:USER`, `file:NAME`, `kubernetes:USER`. */
  readonly actor: string;
  /** A name for display that the OIDC provider states. Users can often choose it, so it does not identify a user. */
  readonly actorName?: string;
}

/** The service itself, for what it does without a request. */
export const SERVICE: Actor = { actor: 'service' };

/** Returns the actor of a kind with this id. A `name` that is not 1 to 253 printable characters, or that is the id, is omitted. */
export function actorOf(kind: (typeof ACTOR_KINDS)[number], id: string, name = ''): Actor {
  return { actor: `${kind}:${id}`, ...(name !== id && isSubject(name) && { actorName: name }) };
}

/** Returns an actor as one text, such as `oidc:4711 (alice)`; undefined without an actor. */
export function formatActor({ actor, actorName }: Partial<Actor>): string | undefined {
  return actor === undefined || actorName === undefined ? actor : `${actor} (${actorName})`;
}
