import { describe, expect, it } from 'vitest';
import { parseYamlMappings } from '../../../src/files/yaml-documents.js';

const LIMITS = { length: 1024 * 1024, documents: 10 };

describe('an untrusted YAML stream', () => {
  it.each([
    ['too many YAML tokens', `a: [${'[],{},'.repeat(5_000)}]\n`],
    ['too many lines', `a: |\n${' b\n'.repeat(20_000)}`],
    ['nested too deep', `a: ${'['.repeat(33)}`],
    ['nested too deep', `a:\n ${'-\t'.repeat(33)}`],
    ['not YAML', 'a: "\\q"\n'],
    ['directives', '%YAML 1.2\n---\na: b\n'],
    ['directives', '%x\n'.repeat(10_000)],
  ])('is refused with the reason "%s"', (reason, text) => {
    expect(() => parseYamlMappings(text, LIMITS)).toThrow(reason);
  });

  it('can have 65 documents, 20,000 lines and 31 levels below the top', () => {
    const link = '---\na:\n  b: c\n  d: [e, {f: g}]\n';
    expect(parseYamlMappings(link.repeat(65), { ...LIMITS, documents: 65 })).toHaveLength(65);
    expect(parseYamlMappings(`a: |\n${' b\n'.repeat(19_999)}`, LIMITS)).toHaveLength(1);
    expect(parseYamlMappings(`a: ${'['.repeat(31)}${']'.repeat(31)}`, LIMITS)).toHaveLength(1);
  });

  it('can be JSON', () => {
    expect(parseYamlMappings('{"kind": "Link", "spec": {"endpoints": [{"port": "1"}]}}', LIMITS)).toEqual([
      { kind: 'Link', spec: { endpoints: [{ port: '1' }] } },
    ]);
  });
});
