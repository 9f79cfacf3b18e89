import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { BOMB_NAMES } from '../support/yaml-bombs.mjs';

const PARSER = resolve(import.meta.dirname, 'yaml-bomb-parser.mjs');
const MAX_CPU_MS = 500;
const MAX_MIB = 100;
const KIB = 1024;
const RESPONSE = 256 * KIB;
const FILE = 1024 * KIB;

interface Cost {
  readonly name: string;
  readonly reason?: string;
  readonly cpuMs: number;
  readonly grownMiB: number;
}

// `parseYamlMappings` is the parser of all responses, tokens and resource files of sites.
describe('a YAML bomb', () => {
  it.each([
    ['a response', RESPONSE, 65],
    ['a file', FILE, 100],
  ])(
    'the parser refuses each YAML bomb within 0.5 s of CPU and 100 MiB, at the size limit of %s',
    { timeout: 300_000 },
    async (_what, length, documents) => {
      const argument = JSON.stringify({ names: BOMB_NAMES, length, documents });
      const { stdout } = await promisify(execFile)(process.execPath, [PARSER, argument]);
      const costs: Cost[] = JSON.parse(stdout);
      expect(costs).toHaveLength(BOMB_NAMES.length);
      expect(costs.filter(({ reason }) => reason === undefined)).toEqual([]);
      const isCostly = ({ cpuMs, grownMiB }: Cost) => cpuMs >= MAX_CPU_MS || grownMiB >= MAX_MIB;
      expect(costs.filter(isCostly)).toEqual([]);
    },
  );
});
