import { refusalOf } from './refusals.js';

const KINDS: Readonly<Record<string, string>> = {
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
  revoked: 'Link revoked',
  setting_changed: 'Setting changed',
  repeatedly_refused: 'Refused repeatedly',
};

/** What an entry of the ledger reports, in words. */
export function kindText(kind: string): string {
  return KINDS[kind] ?? refusalOf(kind)?.title ?? kind.replaceAll('_', ' ');
}
