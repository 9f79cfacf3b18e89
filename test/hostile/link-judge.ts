import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { documentsOf, type LinkDocument, type SecretDocument } from '../support/redeemed-answer.js';

const HOST = /^[a-z0-9_]([-a-z0-9_.]*[a-z0-9_])?\.?$/i;
const MAX_HOST = 254;

/** The paths of all files below a directory. */
export function filesBelow(root: string): string[] {
  if (!existsSync(root)) return [];
  const entries = readdirSync(root, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => !entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name));
}

/**
 * What is wrong with the files of a link that was accepted under `name`, or undefined. Checks without the client's parsers that
 * the certificate is for the key in the Secret, that a CA in its ca.crt signed it, that it has not expired, and that the Links
 * have this name and endpoints that a router can dial.
 */
export function judgeLinkFiles(directory: string, name: string): string | undefined {
  const read = (file: string) => documentsOf(readFileSync(file, 'utf8'));
  const files = filesBelow(directory);
  const [secret] = files
    .filter((file) => file.endsWith(`/Secret-${name}.yaml`))
    .flatMap(read) as SecretDocument[];
  const links = files
    .filter((file) => !file.endsWith(`/Secret-${name}.yaml`))
    .flatMap(read) as LinkDocument[];
  if (!secret) return 'there is no Secret';
  return judgeSecret(secret, name) ?? judgeLinks(links, name);
}

function judgeSecret(secret: SecretDocument, name: string): string | undefined {
  if (secret.metadata.name !== name) return 'the Secret has another name';
  if (Object.keys(secret.data).sort().join() !== 'ca.crt,tls.crt,tls.key') return 'the Secret has other data';
  const text = (key: string) => Buffer.from(secret.data[key] ?? '', 'base64').toString();
  const certificate = new X509Certificate(text('tls.crt'));
  const publicKey = createPublicKey(createPrivateKey(text('tls.key')));
  if (!certificate.publicKey.equals(publicKey)) return 'the certificate is for another key';
  const ca = new X509Certificate(text('ca.crt'));
  if (!ca.ca || !certificate.checkIssued(ca) || !certificate.verify(ca.publicKey))
    return 'no CA in ca.crt signed tls.crt';
  if (Date.parse(certificate.validTo) < Date.now()) return 'the certificate has expired';
  if (certificate.keyUsage !== undefined && !certificate.keyUsage.includes('1.3.6.1.5.5.7.3.2'))
    return 'the certificate is not for TLS clients';
  return undefined;
}

function judgeLinks(links: readonly LinkDocument[], name: string): string | undefined {
  if (links.length === 0) return 'there is no Link';
  const numbered = links.map((_link, index) => `${name}-${index + 1}`).sort();
  const names = links.map((link) => link.metadata.name).sort();
  if (names.join() !== name && names.join() !== numbered.join()) return 'the Links have other names';
  for (const { spec } of links) {
    if (spec.tlsCredentials !== name) return 'a Link has other credentials';
    if (spec.endpoints.length === 0) return 'a Link has no endpoints';
    for (const { name: role, host, port } of spec.endpoints as Record<string, string>[]) {
      if (role !== 'inter-router' && role !== 'edge') return 'an endpoint has another name';
      if (!host || host.length > MAX_HOST || (isIP(host) === 0 && !HOST.test(host)))
        return 'an endpoint has an invalid host';
      if (!/^[1-9]\d{0,4}$/.test(port ?? '') || Number(port) > 65_535)
        return 'an endpoint has an invalid port';
    }
  }
  return undefined;
}
