import { describe, expect, it } from 'vitest';
import { parseYamlMappings } from '../../src/files/yaml-documents.js';

const LIMITS = { length: 1024 * 1024, documents: 10 };

describe('a YAML stream of a stranger', () => {
  it.each([
    ['too many brackets', `a: ${'[]{}'.repeat(1_000)}\n`],
    ['directives', '%YAML 1.2\n---\na: b\n'],
    ['directives', '%x\n'.repeat(100_000)],
  ])('is refused before it is parsed when it has %s', (reason, text) => {
    expect(() => parseYamlMappings(text, LIMITS)).toThrow(reason);
  });

  it('may be written as JSON', () => {
    expect(parseYamlMappings('{"kind": "Link", "spec": {"endpoints": [{"port": "1"}]}}', LIMITS)).toEqual([
      { kind: 'Link', spec: { endpoints: [{ port: '1' }] } },
    ]);
  });
});
