import { refusalOf } from './refusals.js';

const KINDS: Readonly<Record<string, string>> = {
  redeemed: 'Redeemed',
};

/** What an entry of the ledger reports, in words. */
export function kindText(kind: string): string {
  return KINDS[kind] ?? refusalOf(kind)?.title ?? kind.replaceAll(/[_-]/g, ' ');
}
