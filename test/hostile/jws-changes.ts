import { createHmac } from 'node:crypto';
import { changeJson, changeJsonText, type Json } from './json-changes.js';
import type { Chance } from './round.js';

const NAMES = ['alg', 'typ', 'kid', 'crit', 'jwk', 'jku', 'x5c', 'b64', 'zip', 'cty'];
const VALUES = ['none', 'HS256', 'HS512', 'RS256', 'ES256', 'JWT', 'linkgrant-code+jwt', 'logout+jwt', ''];

const encode = (text: string) => Buffer.from(text).toString('base64url');
const decode = (part: string) => Buffer.from(part, 'base64url').toString();

/** A changed compact JWS (RFC 7515), which no key has signed unless the text is one of the originals. */
export interface ChangedJws {
  readonly text: string;
  readonly kind: string;
}

/** Changes a compact JWS in one way; `others` are whole ones of the same issuer. */
export function changeJws(jws: string, others: readonly string[], chance: Chance): ChangedJws {
  const [header = '', payload = '', signature = ''] = jws.split('.');
  const [otherHeader = '', otherPayload = '', otherSignature = ''] = chance.pick(others).split('.');
  const joined = (...parts: readonly string[]) => parts.join('.');
  const changedHeader = () => {
    const value = JSON.parse(decode(header)) as Record<string, Json>;
    return encode(JSON.stringify({ ...value, [chance.pick(NAMES)]: chance.pick(VALUES) }));
  };
  const changedPayload = () => encode(JSON.stringify(changeJson(JSON.parse(decode(payload)), chance)));
  const selfSigned = (signed: string, secret: string | Buffer) =>
    joined(signed, createHmac('sha256', secret).update(signed).digest('base64url'));
  const at = chance.below(jws.length);
  const changes: Readonly<Record<string, () => string>> = {
    cut: () => jws.slice(0, at),
    'a character changed': () =>
      jws.slice(0, at) + chance.pick(['A', 'z', '.', '=', ' ', '\0', 'é']) + jws.slice(at + 1),
    'characters removed': () => jws.slice(0, at) + jws.slice(at + 1 + chance.below(8)),
    'whitespace around': () => chance.pick([` ${jws}`, `${jws} `, `${jws}\n\n`, `\n${jws}`, `${jws}\r\n`]),
    'another header': () => joined(changedHeader(), payload, signature),
    'another payload': () => joined(header, changedPayload(), signature),
    'a payload that is no JSON': () =>
      joined(header, encode(changeJsonText(decode(payload), chance)), signature),
    'a header that is no JSON': () =>
      joined(encode(changeJsonText(decode(header), chance)), payload, signature),
    'the header of another': () => joined(otherHeader, payload, signature),
    'the payload of another': () => joined(header, otherPayload, signature),
    'the signature of another': () => joined(header, payload, otherSignature),
    'no signature': () => joined(header, payload, ''),
    'alg none': () =>
      joined(encode(JSON.stringify({ ...JSON.parse(decode(header)), alg: 'none' })), payload, ''),
    'signed with another key': () =>
      selfSigned(joined(chance.pick([header, changedHeader()]), changedPayload()), chance.bytes(32)),
    'signed with an empty key': () => selfSigned(joined(header, changedPayload()), ''),
    'padding of base64': () => chance.pick([`${jws}=`, joined(`${header}==`, payload, signature)]),
    'the alphabet of base64': () => jws.replaceAll('-', '+').replaceAll('_', '/'),
    'more parts': () => joined(jws, chance.pick(['', signature, 'e30'])),
    'many dots': () => '.'.repeat(1 + chance.below(4_000)),
    'a long text': () => jws + 'A'.repeat(chance.pick([2_000, 4_096, 40_000])),
    twice: () => jws + jws,
    'another whole one': () => chance.pick(others),
    'a byte order mark': () => `\ufeff${jws}`,
    empty: () => '',
  };
  const kind = chance.pick(Object.keys(changes));
  return { kind, text: changes[kind]?.() ?? '' };
}
