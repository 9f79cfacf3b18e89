import type { Chance } from './round.js';

/** A JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [member: string]: Json };

const NUMBERS = [0, -1, 1.5, 1e9, 999_999_999, 1_000_000_000, 2 ** 31, 2 ** 53, 1e308, -0, 5e-324];
const STRINGS = [
  '',
  ' ',
  '\0',
  '\u202e',
  '\ud800',
  'é',
  'null',
  '[object Object]',
  '1',
  '-1s',
  '1h',
  '9999999h',
  'P1D',
  '*',
  '**',
  '../../etc/passwd',
  "'; DROP TABLE grants; --",
  '%00',
  '0.0.0.0/0',
  '::/0',
  '10.0.0.0/33',
  'true',
  'True',
  'p256',
  '00000000-0000-0000-0000-000000000000',
  '2026-01-01T00:00:00Z',
  '9999-99-99T99:99:99Z',
  'aaaaaaaaaaaaaaaa',
  'x'.repeat(254),
  'x'.repeat(5_000),
  `${'*a'.repeat(2_000)}b`,
];
const MEMBERS = [
  '__proto__',
  'constructor',
  'toString',
  'uid',
  'redemptions',
  'code',
  'codeHash',
  'revokedAt',
  'namespace',
  '',
  'linkgrant/subjects',
  'linkgrant/unknown',
  'role',
  'once',
  'issuer',
  'policy',
  'cascade',
  'source',
  'subject',
];

/** Some JSON value, of any type. */
function someJson(chance: Chance): Json {
  return chance.pick<() => Json>([
    () => null,
    () => chance.below(2) === 0,
    () => chance.pick(NUMBERS),
    () => chance.pick(STRINGS),
    () => [],
    () => [chance.pick(STRINGS), chance.pick(NUMBERS)],
    () => ({}),
    () => ({ [chance.pick(MEMBERS)]: chance.pick(STRINGS) }),
    () => ({
      'linkgrant/subjects': chance.pick(STRINGS),
      'linkgrant/csr-required': chance.pick(['true', 'false', '1']),
    }),
    () => nested(chance.pick([5, 100, 1_000])),
  ])();
}

function nested(depth: number): Json {
  let value: Json = 1;
  for (let level = 0; level < depth; level += 1) value = level % 2 === 0 ? [value] : { a: value };
  return value;
}

/** The value with one member removed, added, renamed or set to something else, at any depth. */
export function changeJson(value: Json, chance: Chance): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return someJson(chance);
  const entries = Object.entries(value);
  const index = chance.below(Math.max(1, entries.length));
  const [name = 'name', member = null] = entries[index] ?? [];
  const changed = chance.pick<() => (readonly [string, Json])[]>([
    () => [],
    () => [[name, someJson(chance)]],
    () => [[name, someJson(chance)]],
    () => [[name, changeJson(member, chance)]],
    () => [[chance.pick(MEMBERS), member]],
    () => [[name.toUpperCase(), member]],
    () => [
      [name, member],
      [chance.pick(MEMBERS), someJson(chance)],
    ],
  ])();
  const others = entries.filter((_entry, other) => other !== index);
  return Object.fromEntries([...others, ...changed]);
}

/** Corrupted JSON text: truncated, repeated, with extra characters, or no JSON at all. */
export function changeJsonText(text: string, chance: Chance): string {
  const at = chance.below(text.length + 1);
  return chance.pick<() => string>([
    () => text.slice(0, at),
    () =>
      text.slice(0, at) +
      chance.pick(['\0', '\ufeff', '//', ',', '"', '{', '\\u0000', '\u2028']) +
      text.slice(at),
    () => `\ufeff${text}`,
    () => text + text,
    () => text.replace('{', '{"name":"first","name":"second",'),
    () => text.replaceAll('"', "'"),
    () => '['.repeat(30_000),
    () => '{"a":'.repeat(10_000),
    () => `{"name":"${'x'.repeat(70_000)}"}`,
    () => '1e999',
    () => '"text"',
    () => '',
  ])();
}
