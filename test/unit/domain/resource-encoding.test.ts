import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDocument } from 'yaml';
import { encodeResource, type ResourceValue } from '../../../src/domain/resource-encoding.js';

function read(text: string, version: '1.1' | '1.2'): unknown {
  const document = parseDocument(text, { version, strict: true });
  expect(document.errors).toEqual([]);
  expect(document.warnings).toEqual([]);
  return document.toJS();
}

// Without lone surrogates: UTF-8 cannot encode them.
const text = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'binary' }),
  fc.string({
    unit: fc.constantFrom(...'\n\r\t :#-"\'\\\u0085\u2028\ufeff\0%&*!|>@`{],?'),
  }),
  fc.constantFrom(
    ...'n y Yes NO on off true null ~ .nan .inf 0x1f 0o17 017 1e3 1_000 190:20:30 2001-12-14 << = --- ...'.split(
      ' ',
    ),
    ...['', '- a', '? b', '%YAML 1.1', '!!binary x'],
  ),
);

const key = fc
  .oneof(text, fc.constantFrom('ca.crt', 'linkgrant.dev/redemption-id'))
  .filter((name) => name !== '__proto__');
const { value } = fc.letrec<{ value: ResourceValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    text,
    fc.integer(),
    fc.boolean(),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(key, tie('value'), { maxKeys: 4, noNullPrototype: true }),
  ),
}));
const resource = fc.dictionary(key, value, { maxKeys: 5, noNullPrototype: true });

describe.each(['1.1', '1.2'] as const)('a YAML %s reader', (version) => {
  it('reads every string as it was written', () => {
    fc.assert(
      fc.property(text, (string) => {
        expect(read(encodeResource({ string }), version)).toEqual({ string });
      }),
      { numRuns: 2_000 },
    );
  });

  it('reads every key as it was written', () => {
    fc.assert(
      fc.property(key, (name) => {
        expect(Object.keys(read(encodeResource({ [name]: 'x' }), version) as object)).toEqual([name]);
      }),
      { numRuns: 1_000 },
    );
  });

  it('reads every resource as it was written, with its keys in order', () => {
    fc.assert(
      fc.property(resource, (written) => {
        expect(JSON.stringify(read(encodeResource(written), version))).toBe(JSON.stringify(written));
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('the YAML text of a resource', () => {
  it('has every string on its own line, whatever it contains, without a YAML 1.1 line break', () => {
    fc.assert(
      fc.property(text, (string) => {
        const encoded = encodeResource({ string });
        expect(encoded.split('\n')).toHaveLength(3);
        expect(encoded).not.toMatch(/[\r\u0085\u2028\u2029]/);
      }),
    );
  });

  it('omits undefined values, and folds no text', () => {
    const long = 'x '.repeat(5_000);
    expect(
      encodeResource({ absent: undefined, kind: 'Link', spec: { cost: 2, absent: undefined, long } }),
    ).toBe(`---\nkind: "Link"\nspec:\n  cost: 2\n  long: "${long}"\n`);
  });

  it('writes lists of maps with a dash before each', () => {
    expect(
      encodeResource({ endpoints: [{ host: 'a', port: '1' }, { host: 'b' }], none: [], nothing: {} }),
    ).toBe('---\nendpoints:\n  - host: "a"\n    port: "1"\n  - host: "b"\nnone: []\nnothing: {}\n');
  });
});
