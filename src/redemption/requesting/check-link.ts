import { certificateState } from '../../domain/issued-certificate.js';
import type { Link, LinkEndpoint, LinkSecret } from '../../domain/link.js';
import { formatTime } from '../../domain/rfc3339.js';
import { describeCertificate } from '../../pki/certificate-info.js';
import { isKeyOf, privateKeyPem, readPrivateKey } from '../../pki/keys.js';
import type { Clock } from '../ports/clock.js';
import type { DialedRouter, LinkCredentials, LinkDialer, LinkFailure } from '../ports/link-dialer.js';

/** Result of dialing one endpoint. */
export interface EndpointCheck {
  readonly endpoint: LinkEndpoint;
  readonly outcome: DialedRouter | LinkFailure;
}

/** Result of checking a Link: why it was not dialed, or the result of each endpoint. */
export interface LinkCheck {
  readonly link: Link;
  readonly failure?: LinkFailure;
  /** Empty if nothing was dialed. */
  readonly endpoints: readonly EndpointCheck[];
}

/** Dials every endpoint of a Link with its credentials. If these are not valid, reports that without dialing. */
export async function checkLink(
  link: Link,
  secret: LinkSecret,
  deps: { readonly dial: LinkDialer; readonly clock: Clock },
): Promise<LinkCheck> {
  const credentials = usableCredentials(secret, deps.clock());
  if ('fault' in credentials) return { link, failure: credentials, endpoints: [] };
  if (link.endpoints.length === 0) {
    const message = `Link "${link.name}" has no endpoint that can be read.`;
    return { link, failure: { fault: 'credentials_invalid', message }, endpoints: [] };
  }
  const endpoints = link.endpoints.map(async (endpoint) => ({
    endpoint,
    outcome: await deps.dial({ host: endpoint.host, port: Number(endpoint.port) }, credentials),
  }));
  return { link, endpoints: await Promise.all(endpoints) };
}

function usableCredentials(secret: LinkSecret, now: number): LinkCredentials | LinkFailure {
  const damage = credentialsDamage(secret);
  if (damage) return { ...damage, message: `${damage.message}.` };
  const { caCrt, tlsCrt, tlsKey = '' } = secret;
  const { notBefore, notAfter } = describeCertificate(tlsCrt);
  const localTime = `by the clock of this machine (${formatTime(now)})`;
  const state = certificateState({ notBefore, notAfter }, now);
  if (state === 'expired') {
    const message = `The link's own certificate expired at ${formatTime(notAfter)}, ${localTime}.`;
    return { fault: 'certificate_expired', message };
  }
  if (state === 'early') {
    const message = `The link's own certificate is not valid before ${formatTime(notBefore)}, ${localTime}.`;
    return { fault: 'clock_skew', message };
  }
  // TLS could find another key in the text than the one that was checked.
  return { caCrt, tlsCrt, tlsKey: privateKeyPem(readPrivateKey(tlsKey)) };
}

/**
 * Returns a failure that names the missing entries, or the first entry that cannot be used, of a Secret; undefined if there is
 * none. Its message has no full stop. Does not check whether the certificate is valid now.
 */
export function credentialsDamage({ name, caCrt, tlsCrt, tlsKey }: LinkSecret): LinkFailure | undefined {
  if (!caCrt || !tlsCrt || !tlsKey) {
    const pems = Object.entries({ 'ca.crt': caCrt, 'tls.crt': tlsCrt, 'tls.key': tlsKey });
    const missing = pems.flatMap(([key, pem]) => (pem ? [] : [key]));
    return { fault: 'credentials_missing', message: `Secret "${name}" has no ${missing.join(', no ')}` };
  }
  let key = 'ca.crt';
  try {
    describeCertificate(caCrt);
    key = 'tls.crt';
    describeCertificate(tlsCrt);
    key = 'tls.key';
    if (isKeyOf(tlsCrt, tlsKey)) return undefined;
    const message = `tls.key in Secret "${name}" does not belong to its certificate`;
    return { fault: 'credentials_invalid', message };
  } catch (error) {
    const message = `${key} in Secret "${name}" cannot be used: ${(error as Error).message}`;
    return { fault: 'credentials_invalid', message };
  }
}
