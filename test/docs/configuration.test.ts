import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfiguration } from '../../src/config/config.js';
import {
  flagOf,
  NOT_IN_FILE,
  SETTINGS,
  type SettingDefinition,
  type SettingKey,
  variableOf,
} from '../../src/config/settings.js';
import { PROJECT } from '../support/programs.js';
import { directoryForTest } from '../support/release.js';
import { readProjectFile } from './document.js';

const document = readProjectFile('docs/reference/configuration.md');
const rows = document.split('\n').filter((line) => line.startsWith('| `--'));

/** Runs the script on a copy of its input, with this text as the document. */
function checkReference(text: string) {
  const copy = directoryForTest();
  mkdirSync(join(copy, 'docs/reference'), { recursive: true });
  for (const path of ['dist', 'scripts/reference.mjs', 'package.json']) {
    cpSync(join(PROJECT, path), join(copy, path), { recursive: true });
  }
  cpSync(join(PROJECT, 'node_modules/yaml'), join(copy, 'node_modules/yaml'), { recursive: true });
  cpSync(join(PROJECT, 'node_modules/zod'), join(copy, 'node_modules/zod'), { recursive: true });
  writeFileSync(join(copy, 'docs/reference/configuration.md'), text);
  return spawnSync(process.execPath, [join(copy, 'scripts/reference.mjs'), '--check'], { encoding: 'utf8' });
}

describe('docs/reference/configuration.md', () => {
  it('has one row for each setting, with its flag, variable, file key and default', () => {
    const keys = Object.keys(SETTINGS) as SettingKey[];
    expect(rows.map((row) => /^\| `(--[a-z-]+)/.exec(row)?.[1])).toEqual(keys.map(flagOf));
    for (const [index, key] of keys.entries()) {
      const [, , variable, fileKey, byDefault] = (rows[index] ?? '').split(/ ?(?<!\\)\| ?/);
      expect(variable).toBe(`\`${variableOf(key)}\``);
      expect(fileKey).toBe(NOT_IN_FILE.includes(key) ? '–' : `\`${key}\``);
      const definition: SettingDefinition = SETTINGS[key];
      expect(byDefault).toBe(definition.default === undefined ? '–' : `\`${definition.default}\``);
    }
  });

  it('has the table that the script writes, and the script detects a changed row', () => {
    expect(checkReference(document).stderr).toBe('');
    const changed = checkReference(document.replace('`--workers N`', '`--workers M`'));
    expect(changed.status).toBe(1);
    expect(changed.stderr).toContain('does not match the settings');
  });

  it('has an example file that the program can read', () => {
    const dataDir = directoryForTest();
    const example = /```yaml\n([\s\S]*?)```/.exec(document)?.[1] ?? '';
    writeFileSync(join(dataDir, 'config.yaml'), example);
    const { settings, sources } = loadConfiguration({ dataDir }, {});
    expect(settings.host).toEqual(['grants.example.com']);
    expect(settings.endpoint?.map(({ name }) => name)).toEqual(['inter-router', 'edge']);
    expect(sources.serverKeyType).toContain('config.yaml');
  });
});
