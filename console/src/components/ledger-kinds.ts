import type { ListedKind } from '../../../src/domain/ledger-kind.js';
import { refusalOf } from './refusals.js';
import { visible } from './text.js';

const KINDS = {
  created: 'Grant created',
  changed: 'Grant changed',
  deleted: 'Grant deleted',
  grant_revoked: 'Grant revoked',
  code_recorded: 'Token issued',
  code_revoked: 'Token revoked',
  redeemed: 'Redeemed',
  replayed: 'Response repeated',
  renewed: 'Renewed',
  superseded: 'Certificate superseded',
  identity_conflict: 'Identity with another key',
  revoked: 'Link revoked',
  replaced: 'Link replaced',
  setting_changed: 'Setting changed',
  repeatedly_refused: 'Refused repeatedly',
  refused: 'Refused',
} as const satisfies Record<ListedKind, string>;

/** What an entry of the ledger reports, in words. */
export function kindText(kind: string): string {
  if (Object.hasOwn(KINDS, kind)) return KINDS[kind as ListedKind];
  return refusalOf(kind)?.title ?? visible(kind.replaceAll('_', ' '));
}

/** The choices of a filter by kind. */
export const KIND_CHOICES: readonly (readonly [kind: string, text: string])[] = [
  ['', 'Any'],
  ...Object.entries(KINDS),
];
