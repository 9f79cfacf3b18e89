import type { AccessGrant } from '../domain/access-grant.js';
import { codeState } from '../redemption/code-state.js';
import type { StoredCode } from '../redemption/code-store.js';
import type { GrantStore } from '../redemption/grant-store.js';
import { everyItem } from './every-item.js';
import { type GrantFlags, requireGrant } from './grant.js';
import { nothingListed } from './namespace-words.js';
import { formatTime, print, table } from './output.js';
import { withStore } from './store-session.js';

/** The flags of `token list`; without `grant` the tokens of all grants of the namespace are meant. */
export interface TokenListFlags extends GrantFlags {
  readonly grant?: string;
  readonly allNamespaces?: boolean;
}

function report(grant: AccessGrant, code: StoredCode) {
  const { jti, uses, used, expirationTime, subject, issuedAt, revokedAt } = code;
  return {
    id: jti,
    grant: grant.name,
    namespace: grant.namespace,
    grantUid: grant.uid,
    state: codeState(grant, code, Date.now()),
    redemptions: used,
    redemptionsAllowed: uses,
    expirationTime: formatTime(expirationTime),
    ...(subject !== null && { subject }),
    ...(issuedAt !== null && { issuedAt: formatTime(issuedAt) }),
    ...(revokedAt !== null && { revokedAt: formatTime(revokedAt) }),
  };
}

async function grantsOf(store: GrantStore, namespace: string, flags: TokenListFlags): Promise<AccessGrant[]> {
  if (flags.grant !== undefined) return [await requireGrant(store, namespace, flags.grant)];
  const within = flags.allNamespaces ? {} : { namespace };
  return everyItem((page) => store.listGrants({ ...page, ...within }));
}

/** `token list`: shows the signed tokens that the service knows, grant by grant. */
export async function listTokensCommand(flags: TokenListFlags): Promise<void> {
  await withStore(flags, async ({ store, namespace }) => {
    const reports: ReturnType<typeof report>[] = [];
    for (const grant of await grantsOf(store, namespace, flags)) {
      const codes = await everyItem((page) => store.listCodes({ ...page, grantUid: grant.uid }));
      for (const code of codes) reports.push(report(grant, code));
    }
    await print(flags.output, reports, () =>
      reports.length === 0
        ? nothingListed('signed tokens', namespace, flags.allNamespaces)
        : table(
            ['ID', 'GRANT', 'STATE', 'REDEMPTIONS', 'EXPIRATION', 'SUBJECT'],
            reports.map(({ id, grant, state, redemptions, redemptionsAllowed, expirationTime, subject }) => [
              id,
              grant,
              state,
              `${redemptions}/${redemptionsAllowed}`,
              expirationTime,
              subject ?? '-',
            ]),
          ),
    );
  });
}
