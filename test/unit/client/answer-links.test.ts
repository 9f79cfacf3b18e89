import { describe, expect, test } from 'vitest';
import { ENDPOINTS } from '../../support/servers/issuing-server.js';
import { answer, read, reason } from './sample-answer.js';

describe('a Link of a response', () => {
  const LINK = /(kind: "Link"\nmetadata:\n)/;
  const withSpec = (lines: string) => answer.replace('spec:\n', `spec:\n${lines}`);
  const withMetadata = (lines: string) => answer.replace(LINK, `$1${lines}`);
  const texts = (count: number) => Array.from({ length: count }, (_, at) => `n${at}: "v"`).join(', ');

  test('retains its cost, settings, labels and annotations, known or not', () => {
    const text = withSpec(
      '  cost: 7\n  settings: {"proxy-configuration": "corporate", "y": "on\\n"}\n',
    ).replace(
      LINK,
      '$1  labels: {"example.com/team": "net_1", "on": ""}\n  annotations: {"Example.com/Note": "Zürich: ok"}\n',
    );
    const [link] = read(text).links;
    expect(link).toEqual({
      name: 'my-link',
      endpoints: ENDPOINTS,
      tlsCredentials: 'my-link',
      cost: 7,
      settings: { 'proxy-configuration': 'corporate', y: 'on\n' },
      labels: { 'example.com/team': 'net_1', on: '' },
      annotations: { 'Example.com/Note': 'Zürich: ok' },
    });
  });

  test('has no cost, settings, labels or annotations if the server sent null, 0 or none', () => {
    const empty = withSpec('  cost: 0\n  settings: null\n').replace(
      LINK,
      '$1  labels: {}\n  annotations: null\n',
    );
    expect(read(empty)).toEqual(read(answer));
  });

  test('is read without the labels and annotations that only linkgrant sets', () => {
    const own =
      '  labels: {"app.kubernetes.io/managed-by": "them", "linkgrant.dev/token": "x"}\n  annotations: {"linkgrant.dev/redemption-id": "x"}\n';
    expect(read(withMetadata(own))).toEqual(read(answer));
  });

  test('can have 64 entries and 4 KiB of text of each kind', () => {
    const full = withSpec(`  settings: {${texts(64)}}\n`);
    expect(Object.keys(read(full).links[0]?.settings ?? {})).toHaveLength(64);
    expect(
      read(withMetadata(`  annotations: {a: "${'x'.repeat(4095)}"}\n`)).links[0]?.annotations?.a,
    ).toHaveLength(4095);
  });

  test.each<[string, () => string, string]>([
    ['65 settings', () => withSpec(`  settings: {${texts(65)}}\n`), 'settings'],
    [
      'more than 4 KiB of annotations',
      () => withMetadata(`  annotations: {a: "${'x'.repeat(4096)}"}\n`),
      'annotations',
    ],
    ['more than 4 KiB in UTF-8', () => withSpec(`  settings: {a: "${'ü'.repeat(2048)}"}\n`), 'settings'],
    ['settings that are a list', () => withSpec('  settings: ["a"]\n'), 'settings'],
    ['a setting that is a number', () => withSpec('  settings: {a: 1}\n'), 'settings'],
    ['half a character in a setting', () => withSpec('  settings: {a: "\\uD800"}\n'), 'settings'],
    ['a label name with two slashes', () => withMetadata('  labels: {"a/b/c": "d"}\n'), 'labels'],
    ['a label value with a space', () => withMetadata('  labels: {a: "b c"}\n'), 'labels'],
    ['an annotation without a name', () => withMetadata('  annotations: {"": "d"}\n'), 'annotations'],
    ['a negative cost', () => withSpec('  cost: -1\n'), 'cost'],
    ['a cost that is no whole number', () => withSpec('  cost: 1.5\n'), 'cost'],
    ['a cost that is text', () => withSpec('  cost: "7"\n'), 'cost'],
    ['a cost beyond 32 bits', () => withSpec('  cost: 2147483648\n'), 'cost'],
  ])('is refused with %s', (_, text, field) => {
    expect(text()).not.toBe(answer);
    expect(reason(text())).toContain(`the ${field} of a Link`);
  });
});

describe('a response with a Secret of type Opaque or without a type', () => {
  test.each([
    ['Opaque', 'type: "Opaque"'],
    ['no type', ''],
  ])('is read like one of type kubernetes.io/tls: %s', (_what, type) => {
    const text = answer.replace('type: "kubernetes.io/tls"', type);
    expect(text).not.toBe(answer);
    expect(read(text).secret).toEqual(read(answer).secret);
  });
});
