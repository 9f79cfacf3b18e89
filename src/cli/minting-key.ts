import { openCodeKeys } from '../code-keys.js';
import { grantSigningKey } from '../codes/signing-keys.js';
import { type AccessGrant, grantState } from '../domain/access-grant.js';
import type { LinkEndpoint } from '../domain/link.js';
import type { MintingKey } from '../redemption/mint-token.js';
import { signingMasterKey } from '../redemption/rotate-code-keys.js';
import { CommandError } from './command-error.js';
import { requireLinkAccess } from './link-access.js';
import { requireService, type StoreSession } from './store-session.js';

/** What signed tokens of `grant` are made with, and where their links will lead now; a CommandError where they are of no use. */
export async function requireMintingKey(
  grant: AccessGrant,
  session: StoreSession,
): Promise<{ readonly key: MintingKey; readonly endpoints: readonly LinkEndpoint[] }> {
  const service = requireService(session);
  const { endpoints, siteUid } = await requireLinkAccess(session, grant);
  const { uid, namespace, name, expirationTime, redemptionsAllowed } = grant;
  const state = grantState(grant, Date.now());
  if (expirationTime === null || state !== 'ready') {
    throw new CommandError(`grant "${name}" is ${state}: no token of it would be of use`, {
      exitCode: 1,
      hint: 'see `linkgrant grant list -A`; `linkgrant grant create` makes another grant',
    });
  }
  if (endpoints.length === 0) {
    throw new CommandError('the site accepts no links, so a token would be of no use', {
      exitCode: 1,
      hint: 'start the service with --endpoint inter-router=HOST:PORT',
    });
  }
  const codeKeys = openCodeKeys(session.dataDir, Date.now);
  const master = await signingMasterKey(session.store, codeKeys);
  if (!master) throw foreignKeys(session);
  const key = {
    grant: { uid, namespace, name },
    expirationTime,
    redemptionsAllowed,
    url: `${service.url}/${uid}`,
    ca: service.ca,
    ...(siteUid !== null && { issuerSite: siteUid }),
    signingKey: grantSigningKey(master, uid),
  };
  return { key, endpoints };
}

/** The error for a data directory that has not the keys of the service that uses the store. */
export function foreignKeys({ dataDir }: StoreSession): CommandError {
  return new CommandError(`${dataDir} has not the keys that the service signs tokens with`, {
    exitCode: 2,
    hint: 'give the --data-dir of the service; where its keys were lost, restart it',
  });
}
