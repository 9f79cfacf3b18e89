import type { Link, LinkEndpoint, LinkSecret } from '../../domain/link.js';
import { formatTime } from '../../domain/rfc3339.js';
import { describeCertificate } from '../../pki/certificate-info.js';
import { isKeyOf } from '../../pki/keys.js';
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
  secret: LinkSecret | undefined,
  deps: { readonly dial: LinkDialer; readonly clock: Clock },
): Promise<LinkCheck> {
  const credentials = usableCredentials(link, secret, deps.clock());
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

function usableCredentials(
  { tlsCredentials }: Link,
  secret: LinkSecret | undefined,
  now: number,
): LinkCredentials | LinkFailure {
  const secretName = `Secret "${tlsCredentials}"`;
  if (!secret) return { fault: 'credentials_missing', message: `${secretName} of the link does not exist.` };
  const { caCrt, tlsCrt, tlsKey } = secret;
  if (!caCrt || !tlsCrt || !tlsKey) {
    return {
      fault: 'credentials_missing',
      message: `${secretName} lacks one of ca.crt, tls.crt and tls.key.`,
    };
  }
  try {
    const { notBefore, notAfter } = describeCertificate(tlsCrt);
    describeCertificate(caCrt);
    if (!isKeyOf(tlsCrt, tlsKey)) {
      return {
        fault: 'credentials_invalid',
        message: `The key in ${secretName} does not belong to its certificate.`,
      };
    }
    const localTime = `by the clock of this machine (${formatTime(now)})`;
    if (now > notAfter) {
      const message = `The link's own certificate expired at ${formatTime(notAfter)}, ${localTime}.`;
      return { fault: 'certificate_expired', message };
    }
    if (now < notBefore) {
      const message = `The link's own certificate is not valid before ${formatTime(notBefore)}, ${localTime}.`;
      return { fault: 'clock_skew', message };
    }
  } catch (error) {
    const reason = (error as Error).message;
    return { fault: 'credentials_invalid', message: `${secretName} cannot be used: ${reason}.` };
  }
  return { caCrt, tlsCrt, tlsKey };
}
