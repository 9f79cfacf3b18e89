import { MAX_NAME_LENGTH } from '../domain/names.js';

/** Returns a user's name for display: the first non-empty of these claims, cut to 253 characters; empty without one. */
export function userNameIn(claims: Readonly<Record<string, unknown>> = {}): string {
  const names = [claims.preferred_username, claims.name, claims.email, claims.sub];
  const name = names.find((one): one is string => typeof one === 'string' && one !== '') ?? '';
  return name.slice(0, MAX_NAME_LENGTH);
}
