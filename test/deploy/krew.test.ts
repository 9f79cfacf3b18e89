import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { parse } from 'yaml';
import { PROJECT } from '../support/programs.js';
import { directoryForFile } from '../support/release.js';

const { version, engines, bin } = JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8'));
const CONTENT = 'an archive';

const EXECUTABLE = `linkgrant-${version}-linux-x64`;

const directory = directoryForFile();
let manifest: ReturnType<typeof parse>;

beforeAll(() => {
  const archive = join(directory, 'linkgrant-krew.tar.gz');
  writeFileSync(archive, CONTENT);
  writeFileSync(join(directory, `${EXECUTABLE}.tar.gz`), CONTENT);
  const words = ['scripts/krew.mjs', directory, 'https://example.com/releases/', '--archive', archive];
  execFileSync(process.execPath, words, { cwd: PROJECT });
  manifest = parse(readFileSync(join(directory, 'linkgrant.yaml'), 'utf8'));
});

// The fields that krew requires, and the limits that it checks: https://krew.sigs.k8s.io/docs/developer-guide/plugin-manifest/
it('the manifest for krew has every field that krew requires, for this version', () => {
  expect(manifest).toEqual({
    apiVersion: 'krew.googlecontainertools.github.com/v1alpha2',
    kind: 'Plugin',
    metadata: { name: 'linkgrant' },
    spec: {
      version: `v${version}`,
      shortDescription: expect.stringMatching(/^.{1,50}$/),
      description: expect.stringContaining('kubectl linkgrant grant list'),
      caveats: expect.stringContaining(engines.node.replace('>=', '')),
      platforms: [
        {
          selector: { matchLabels: { os: 'linux', arch: 'amd64' } },
          uri: `https://example.com/releases/${EXECUTABLE}.tar.gz`,
          sha256: createHash('sha256').update(CONTENT).digest('hex'),
          bin: `${EXECUTABLE}/linkgrant`,
        },
        {
          selector: { matchExpressions: [{ key: 'os', operator: 'In', values: ['darwin', 'linux'] }] },
          uri: 'https://example.com/releases/linkgrant-krew.tar.gz',
          sha256: createHash('sha256').update(CONTENT).digest('hex'),
          bin: `node_modules/linkgrant/${bin['kubectl-linkgrant']}`,
        },
      ],
    },
  });
});
