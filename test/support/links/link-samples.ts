import { type KeyObject, randomUUID } from 'node:crypto';
import type { Link, LinkSecret } from '../../../src/domain/link.js';
import type { CertificateAuthority } from '../../../src/pki/authority.js';
import { issueClientCertificate } from '../../../src/pki/certificates.js';
import { privateKeyPem, spkiOf } from '../../../src/pki/keys.js';
import { directoryMaterializer } from '../../../src/platforms/files/directory-materializer.js';
import { generatePrivateKey } from '../private-key.js';
import { DAY_MS, makeAuthority } from '../server-identity.js';

/**
 * The Secret of a link: a client certificate of `authority`, valid for 30 days from `issuedAt` unless another lifetime is given.
 */
export async function makeLinkSecret(
  authority: CertificateAuthority,
  options: {
    readonly name?: string;
    readonly issuedAt?: number;
    readonly lifetimeMs?: number;
    readonly caCrt?: string;
    readonly redemptionId?: string;
    readonly key?: KeyObject | undefined;
  } = {},
): Promise<LinkSecret & { readonly tlsKey: string }> {
  const { name = 'to-west', issuedAt = Date.now(), caCrt = authority.bundlePem } = options;
  const { lifetimeMs = 30 * DAY_MS, redemptionId = randomUUID() } = options;
  const key = options.key ?? (await generatePrivateKey('p256'));
  const issued = await issueClientCertificate({
    authority,
    spkiDer: spkiOf(key),
    subject: 'east',
    redemptionId,
    lifetimeMs,
    now: issuedAt,
  });
  return {
    name,
    caCrt,
    tlsCrt: issued.certificate,
    tlsKey: privateKeyPem(key),
    annotations: { 'linkgrant.dev/redemption-id': redemptionId },
  };
}

/** Writes a link into a directory, as a redemption does. */
export async function placeLink(
  directory: string,
  {
    host = '127.0.0.1',
    port = 55671,
    annotations = () => ({}),
    ...options
  }: Parameters<typeof makeLinkSecret>[1] & {
    readonly host?: string;
    readonly port?: number;
    /** Returns annotations to add to the Secret. */
    readonly annotations?: (secret: LinkSecret) => Readonly<Record<string, string>>;
  } = {},
): Promise<void> {
  const secret = await makeLinkSecret(await makeAuthority('Site CA'), options);
  const annotated = { ...secret, annotations: { ...secret.annotations, ...annotations(secret) } };
  const links = [linkTo(host, port, secret.name)];
  await directoryMaterializer(directory, Date.now).materialize(annotated, links, () => undefined);
}

/** A Link to one router, by its inter-router role. */
export function linkTo(host: string, port: number, name = 'to-west'): Link {
  return {
    name,
    endpoints: [{ name: 'inter-router', host, port: String(port), group: 'skupper-router' }],
    tlsCredentials: name,
  };
}
