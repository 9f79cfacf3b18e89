import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  hash,
  type KeyObject,
  X509Certificate,
} from 'node:crypto';
import { expect } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { createCertificateRequest } from '../../src/pki/requests.js';
import type { WireResponse } from './wire.js';

/** A Secret in a response. */
export interface SecretDocument {
  readonly metadata: { readonly name: string; readonly annotations?: Readonly<Record<string, string>> };
  readonly data: Readonly<Record<string, string>>;
}

export interface LinkDocument {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly endpoints: readonly unknown[]; readonly tlsCredentials: string };
}

/** The documents of a YAML stream, as plain values with their keys in order. */
export function documentsOf(stream: string): unknown[] {
  return parseAllDocuments(stream).map((document) => document.toJS() as unknown);
}

/** The parsed response to a redemption. */
export interface RedeemedAnswer {
  readonly secret: SecretDocument;
  readonly links: readonly LinkDocument[];
  /** The id of the redemption; empty if the response contains none. */
  readonly redemptionId: string;
  /** PEM of the certificate and its intermediates. */
  readonly certificate: string;
  /** PEM of the CAs that the certificate verifies against. */
  readonly ca: string;
  readonly x509: X509Certificate;
  /** The private key, if the service generated it. */
  readonly key: KeyObject | undefined;
  readonly keyPem: string | undefined;
}

/** Parses a response with status 200; fails the test for any other status. */
export function redeemedAnswer(answer: Pick<WireResponse, 'status' | 'body'>): RedeemedAnswer {
  expect(answer, answer.body).toMatchObject({ status: 200 });
  const [secret, ...links] = documentsOf(answer.body) as [SecretDocument, ...LinkDocument[]];
  const text = (key: string) => Buffer.from(secret.data[key] ?? '', 'base64').toString();
  const keyPem = secret.data['tls.key'] === undefined ? undefined : text('tls.key');
  return {
    secret,
    links,
    redemptionId: secret.metadata.annotations?.['linkgrant.dev/redemption-id'] ?? '',
    certificate: text('tls.crt'),
    ca: text('ca.crt'),
    x509: new X509Certificate(text('tls.crt')),
    key: keyPem === undefined ? undefined : createPrivateKey(keyPem),
    keyPem,
  };
}

/** Returns the expiry (notAfter) of a certificate, in milliseconds since the epoch. */
export const endOf = ({ x509 }: RedeemedAnswer) => Date.parse(x509.validTo);

/** Rounds a time (ms) down to whole seconds, as certificates do. */
export const inWholeSeconds = (time: number) => Math.floor(time / 1000) * 1000;

/** A new private key, P-256 unless another curve is named. */
export function newKey(namedCurve = 'prime256v1'): KeyObject {
  return generateKeyPairSync('ec', { namedCurve }).privateKey;
}

/** The header with a CSR for a key of the requesting side; `challenge` is its challengePassword. */
export function csrHeader(key: KeyObject = newKey(), challenge?: string): { readonly csr: string } {
  return { csr: Buffer.from(createCertificateRequest(key, 'a site', challenge)).toString('base64') };
}

/** SHA-256 over the SubjectPublicKeyInfo of a private key, lower-case hex. */
export function keySha256(key: KeyObject): string {
  return hash('sha256', createPublicKey(key).export({ type: 'spki', format: 'der' }), 'hex');
}
