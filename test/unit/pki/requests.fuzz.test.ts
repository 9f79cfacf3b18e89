import { createPublicKey } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createCertificateRequest, parseCertificateRequest } from '../../../src/pki/requests.js';
import { generatePrivateKey } from '../../support/private-key.js';
import { releaseAfterFile } from '../../support/release.js';
import { der, signedRequest } from './der-by-hand.js';
import { OpenSsl } from './openssl.js';

const openssl = releaseAfterFile(new OpenSsl());

const key = await generatePrivateKey('p256');
const spki = createPublicKey(key).export({ type: 'spki', format: 'der' });
const version = der(0x02, Buffer.of(0));

/** Returns whether the parser accepts `bytes`. Fails if it accepts them and openssl does not. */
function expectNoMoreThanOpenssl(bytes: Uint8Array): boolean {
  const verdict = parseCertificateRequest(bytes);
  if ('invalid' in verdict) {
    expect(['csr_invalid', 'key_weak']).toContain(verdict.invalid);
    return false;
  }
  const checked = openssl.try(['req', '-inform', 'DER', '-verify', '-noout', '-pubkey'], bytes);
  expect(checked.output).toContain('verify OK');
  expect(checked.output).toContain(Buffer.from(verdict.spkiDer).toString('base64').slice(0, 64));
  return true;
}

interface Mutation {
  readonly at: number;
  /** How many bytes are removed; if undefined, as many as are inserted, so that encoded lengths stay right. */
  readonly removed: number | undefined;
  readonly inserted: Uint8Array;
}

const mutations = fc.array(
  fc.record({
    at: fc.nat(400),
    removed: fc.option(fc.nat(3), { nil: undefined, freq: 1 }),
    inserted: fc.uint8Array({ maxLength: 3 }),
  }),
  { minLength: 1, maxLength: 4 },
);

function mutate(bytes: Uint8Array, changes: readonly Mutation[]): Buffer {
  let mutated = Buffer.from(bytes);
  for (const { at, removed, inserted } of changes) {
    const start = at % (mutated.length + 1);
    mutated = Buffer.concat([
      mutated.subarray(0, start),
      inserted,
      mutated.subarray(start + (removed ?? inserted.length)),
    ]);
  }
  return mutated;
}

test('arbitrary bytes neither crash the parser nor are accepted', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
      expect(parseCertificateRequest(bytes)).toHaveProperty('invalid');
    }),
    { numRuns: 1_000 },
  );
});

test('a mutated request never crashes the parser, and is accepted only if openssl accepts it', () => {
  const original = createCertificateRequest(key, 'east');
  fc.assert(
    fc.property(mutations, (changes) => {
      expectNoMoreThanOpenssl(mutate(original, changes));
    }),
    { numRuns: 2_000 },
  );
});

const oids = fc.oneof(
  fc
    .constantFrom('550403', '55040a', '2a864886f70d01090e', '2a864886f70d010907')
    .map((hex) => Buffer.from(hex, 'hex')),
  fc.uint8Array({ maxLength: 6 }),
);
const stringTags = fc.oneof(fc.constantFrom(0x0c, 0x13, 0x16), fc.integer({ min: 0, max: 255 }));
const contents = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 20 }).map((text) => Buffer.from(text)),
  fc.uint8Array({ maxLength: 12 }),
);
const strings = fc.tuple(stringTags, contents).map(([tag, content]) => der(tag, content));
const nested = fc.array(strings, { maxLength: 3 }).map((items) => der(0x30, ...items));
const names = fc
  .array(fc.array(fc.tuple(oids, strings), { minLength: 0, maxLength: 2 }), { maxLength: 3 })
  .map((sets) =>
    der(
      0x30,
      ...sets.map((set) => der(0x31, ...set.map(([oid, value]) => der(0x30, der(0x06, oid), value)))),
    ),
  );
const attributes = fc
  .array(fc.tuple(oids, fc.array(fc.oneof(strings, nested), { maxLength: 2 })), { maxLength: 2 })
  .map((items) =>
    der(0xa0, ...items.map(([oid, values]) => der(0x30, der(0x06, oid), der(0x31, ...values)))),
  );

test('a well-signed request of any name and attributes is accepted only if openssl accepts it', () => {
  let accepted = 0;
  fc.assert(
    fc.property(names, attributes, (name, attribute) => {
      const info = der(0x30, version, name, spki, attribute);
      if (expectNoMoreThanOpenssl(signedRequest(info, key))) accepted++;
    }),
    { numRuns: 600 },
  );
  expect(accepted).toBeGreaterThan(20);
});

test('a request that was mutated before it was signed is accepted only if openssl accepts it', () => {
  const name = der(
    0x30,
    der(0x31, der(0x30, Buffer.from('0603550403', 'hex'), der(0x0c, Buffer.from('east')))),
  );
  const password = der(
    0x30,
    Buffer.from('06092a864886f70d010907', 'hex'),
    der(0x31, der(0x0c, Buffer.from('x'))),
  );
  const info = der(0x30, version, name, spki, der(0xa0, password));
  let accepted = 0;
  fc.assert(
    fc.property(mutations, (changes) => {
      if (expectNoMoreThanOpenssl(signedRequest(mutate(info, changes), key))) accepted++;
    }),
    { numRuns: 2_000 },
  );
  expect(accepted).toBeGreaterThan(20);
});
