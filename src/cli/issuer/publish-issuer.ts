import { SERVER_CA, SITE_CA, serverTrust } from '../../compose/site-issuer.js';
import { publishAuthorities } from '../../redemption/accepting/service-description.js';
import type { IssuerContext, IssuerSession } from './issuer-session.js';

/** Publishes the CAs of an issuer, so that tokens and commands use them at once, also without a running service. */
export async function publishIssuer(
  name: string,
  { settings, store, issuers }: IssuerSession,
  { clock }: IssuerContext,
): Promise<void> {
  if (!store) return;
  const trust = name === SERVER_CA ? serverTrust(settings.dataDir, clock()) : undefined;
  if (trust) await publishAuthorities(store, trust);
  const [active] = name === SITE_CA ? issuers.list(name) : [];
  if (active) await publishAuthorities(store, { issuer: active.subject });
}
