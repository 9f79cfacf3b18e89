import { DAY_MS } from '../../../domain/duration.js';
import { MANAGED_BY } from '../../../domain/labels.js';
import { type CertificateAuthority, createAuthority, loadAuthority } from '../../../pki/authority.js';
import {
  externalServerIdentity,
  identityOf,
  isCurrentIdentity,
  issueIdentity,
  type ServerIdentity,
  ServerIdentityError,
  type TrustedAuthority,
} from '../../../pki/server-identity.js';
import { linkSecret } from '../../files/link-resource.js';
import type { KubernetesClient } from '../api/client.js';
import { SECRETS } from '../api/kinds.js';
import type { Stored } from '../api/resource.js';
import { retryOnConflict } from '../api/retry.js';
import { type SecretResource, secretData } from '../requesting/namespace-target.js';
import type { TlsSecret } from '../sites/tls-secrets.js';

const TEN_YEARS_MS = 3650 * DAY_MS;
/** Name of the Secret with the CA of the service's certificate. */
export const CA_SECRET = 'linkgrant-server-ca';
/** Name of the Secret with the certificate that the service presents. */
export const SERVER_SECRET = 'linkgrant-server';

/** The source of the certificate that the service presents. */
export interface ServiceIdentitySource {
  /**
   * Returns the present identity. With `mayReplace`, which only one replica sets, reissues an outdated certificate.
   * Rejects with ServerIdentityError, CertificateAuthorityError or ApiError.
   */
  read(hosts: readonly string[], now: number, mayReplace: boolean): Promise<ServerIdentity>;
}

type Client = Pick<KubernetesClient, 'find' | 'create' | 'replace'>;
interface SecretReference {
  readonly namespace: string;
  readonly name: string;
}

/** A Secret that another program maintains, such as cert-manager, with `tls.crt`, `tls.key` and `ca.crt`. */
export function externalIdentitySecret(client: Client, reference: SecretReference): ServiceIdentitySource {
  const secret = `Secret "${reference.namespace}/${reference.name}"`;
  return {
    async read(_hosts, now) {
      const found = await client.find<SecretResource>(SECRETS, reference);
      if (!found) throw new ServerIdentityError(`there is no ${secret}`);
      const { tlsCrt: cert, tlsKey: key, caCrt: ca } = linkSecret(found);
      if (ca === '')
        throw new ServerIdentityError(`${secret} has no ca.crt, which clients need to trust the service`);
      const sources = {
        cert: `tls.crt of ${secret}`,
        key: `tls.key of ${secret}`,
        ca: `ca.crt of ${secret}`,
      };
      return externalServerIdentity({ cert, key, ca }, sources, now);
    },
  };
}

/**
 * A certificate for the service's hosts, issued by linkgrant's own CA. The certificate and the CA are created on first use, in
 * Secrets of the service's namespace. The certificate is reissued when the hosts or the CA change, or when less than a third of
 * its lifetime is left.
 */
export function ownIdentitySecret(client: Client, namespace: string): ServiceIdentitySource {
  const reference = { namespace, name: SERVER_SECRET };
  return {
    // Replicas that start together create the same Secrets, and all but one get a write conflict.
    read: (hosts, now, mayReplace) =>
      retryOnConflict(async () => {
        const authority = await ownAuthority(client, { namespace, name: CA_SECRET }, now);
        const found = await client.find<SecretResource>(SECRETS, reference);
        const stored = found && linkSecret(found);
        if (stored && isServing(stored, authority, hosts, now, mayReplace))
          return identityOf(authority, stored.tlsCrt, stored.tlsKey);
        const issued = await issueIdentity(authority, hosts, now);
        await putSecret(
          client,
          reference,
          { tlsCrt: issued.cert, tlsKey: issued.key, caCrt: issued.ca },
          found,
        );
        return issued;
      }),
  };
}

/**
 * True if a stored certificate can be used. Without `mayReplace`, any valid certificate can, even if it is for other hosts or
 * expires soon: the replica that may replace it can have a newer list of hosts.
 */
function isServing(
  { tlsCrt: cert, tlsKey: key }: TlsSecret,
  authority: CertificateAuthority,
  hosts: readonly string[],
  now: number,
  mayReplace: boolean,
): boolean {
  if (isCurrentIdentity({ cert, key }, authority, hosts, now)) return true;
  if (mayReplace) return false;
  try {
    externalServerIdentity({ cert, key, ca: authority.bundlePem }, { cert: '', key: '', ca: '' }, now);
    return true;
  } catch {
    return false;
  }
}

async function ownAuthority(
  client: Client,
  reference: SecretReference,
  now: number,
): Promise<TrustedAuthority> {
  const source = `Secret "${reference.namespace}/${reference.name}"`;
  const found = await client.find<SecretResource>(SECRETS, reference);
  const { tlsCrt: certificate, tlsKey: key } = found
    ? linkSecret(found)
    : await createOwn(client, reference, now);
  const authority = loadAuthority({ certificate, key }, source, now);
  return { ...authority, trustPem: authority.bundlePem };
}

async function createOwn(client: Client, reference: SecretReference, now: number): Promise<TlsSecret> {
  const { certificate, key } = await createAuthority({
    commonName: 'linkgrant server CA',
    keyType: 'p256',
    lifetimeMs: TEN_YEARS_MS,
    now,
  });
  const tls = { tlsCrt: certificate, tlsKey: key, caCrt: certificate };
  await putSecret(client, reference, tls, undefined);
  return tls;
}

/** Writes the Secret. Rejects with ApiError, also after a write conflict. */
async function putSecret(
  client: Client,
  { namespace, name }: SecretReference,
  tls: TlsSecret,
  found: Stored<SecretResource> | undefined,
): Promise<void> {
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: found?.metadata ?? { name, namespace, labels: { [MANAGED_BY]: 'linkgrant' } },
    // The type of a Secret cannot be changed.
    type: found?.type ?? 'kubernetes.io/tls',
    data: secretData({ 'tls.crt': tls.tlsCrt, 'tls.key': tls.tlsKey, 'ca.crt': tls.caCrt }),
  };
  await (found ? client.replace(SECRETS, secret) : client.create(SECRETS, secret));
}
