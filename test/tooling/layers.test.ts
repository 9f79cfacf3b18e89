import { spawnSync } from 'node:child_process';
import { appendFileSync, cpSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { PROJECT } from '../support/programs.js';
import { directoryForTest } from '../support/release.js';

const CHECKED = ['src', 'console', 'scripts', 'package.json', 'tsconfig.json', '.dependency-cruiser.cjs'];

/** A violation of each rule: the file, its content, and the rule that must report it. */
const FORBIDDEN = [
  ['src/domain/planted-node.ts', "import 'node:crypto';", 'domain-imports-nothing'],
  ['src/domain/planted-package.ts', "import 'yaml';", 'domain-imports-nothing'],
  [
    'src/domain/planted-type.ts',
    "import type { Keep } from '../codes/planted.js';",
    'domain-imports-nothing',
  ],
  ['src/codes/planted.ts', "import 'node:fs';\nexport interface Keep {}", 'codes-are-bytes'],
  ['src/pki/planted.ts', "import '../redemption/planted.js';", 'pki-is-bytes'],
  ['src/redemption/planted.ts', "import '../http/planted.js';", 'operations-import-only-ports'],
  ['src/redemption/planted-io.ts', "import 'node:fs';", 'operations-do-no-io'],
  ['src/files/planted.ts', "import '../pki/keys.js';", 'files-know-nothing'],
  ['src/stores/planted.ts', "import '../client/planted.js';", 'stores-stand-alone'],
  ['src/client/planted.ts', "import '../platforms/other/planted.js';", 'client-stands-alone'],
  ['src/platforms/other/planted.ts', "import '../standalone/site.js';", 'platforms-stand-alone'],
  ['src/http/planted.ts', "import '../stores/planted-leaf.js';", 'only-compositions-name-adapters'],
  ['src/http/planted-edge.ts', "import '../cli/terminal/output.js';", 'listeners-stand-alone'],
  [
    'src/http/planted-metrics.ts',
    "import type { Metrics } from '../admin/metrics.js';",
    'listeners-stand-alone',
  ],
  [
    'src/admin/planted-listener.ts',
    "import type { TlsListener } from '../http/tls-listener.js';",
    'listeners-stand-alone',
  ],
  ['src/cli/planted-listener.ts', "import '../http/tls-listener.js';", 'command-line-imports-no-listener'],
  ['src/http/planted-top.ts', "import '../compose/runtime.js';", 'only-the-command-line-composes'],
  [
    'src/http/planted-setting.ts',
    "import '../config/settings.js';",
    'only-commands-and-compositions-read-settings',
  ],
  ['src/cli/planted.ts', "import '../main.js';", 'nothing-imports-main'],
  ['src/config/planted.ts', "import '../pki/keys.js';", 'config-knows-the-domain'],
  ['src/time/planted.ts', "import '../pki/keys.js';", 'time-imports-no-other-layer'],
  ['src/tracing/planted.ts', "import '../pki/keys.js';", 'tracing-imports-no-other-layer'],
  [
    'src/http/planted-telemetry.ts',
    "import '@opentelemetry/sdk-trace-base';",
    'only-tracing-imports-opentelemetry',
  ],
  [
    'src/compose/planted-eager.ts',
    "import '../tracing/open-telemetry.js';",
    'opentelemetry-is-loaded-at-need',
  ],
  ['src/planted-top.ts', "import './pki/keys.js';", 'only-main-stands-at-the-top'],
  ['src/http/planted-dev.ts', "import 'vitest';", 'no-development-packages'],
  ['src/http/planted-missing.ts', "import './nowhere.js';", 'no-unresolved'],
  // Only one import of a cycle is reported: the first in the order of the files.
  ['src/stores/planted-circle.ts', "import './planted-leaf.js';", 'no-cycles'],
  ['src/stores/planted-leaf.ts', "import './planted-circle.js';\nimport 'leftpad';", 'no-unresolved'],
  ['console/src/api/planted.ts', "import '../state/preferences.js';", 'console-api-imports-its-types'],
  ['console/src/state/planted.ts', "import '../components/icon.js';", 'console-state-imports-api'],
  ['console/src/components/planted.ts', "import '../screens/map.js';", 'console-components-import-state'],
  ['console/src/screens/planted.ts', "import '../../../src/pki/keys.js';", 'console-imports-pure-parts'],
  ['src/http/planted-console.ts', "import '../../console/src/routes.js';", 'nothing-imports-the-console'],
  ['src/http/planted-env.ts', 'export const home = process.env.HOME;', 'only-config-reads-the-environment'],
  ['src/http/planted-exit.ts', 'process.exit(1);', 'only-main-exits'],
  ['src/http/planted-signal.ts', 'export const signal = AbortSignal.any([]);', 'no-composite-signals'],
  ['src/http/planted-code.ts', "process['exitCode'] = 1;", 'only-main-exits'],
  ['src/http/planted-import.ts', "import { env } from 'node:process';", 'process-by-name-only'],
  ['src/http/planted-destructured.ts', 'export const { env } = process;', 'process-by-name-only'],
] as const;

describe('the check of the layers', () => {
  /** A copy of the checked files, with the packages of the checkout. */
  let copy: string;
  beforeEach(() => {
    copy = directoryForTest();
    for (const path of CHECKED) cpSync(join(PROJECT, path), join(copy, path), { recursive: true });
    symlinkSync(join(PROJECT, 'node_modules'), join(copy, 'node_modules'));
  });

  const check = () => {
    const { status, stderr } = spawnSync(process.execPath, ['scripts/check-layers.mjs'], {
      cwd: copy,
      encoding: 'utf8',
    });
    return { status, problems: stderr };
  };

  it('finds nothing in the current sources, nor in comments and strings', () => {
    const text =
      '/** Never process.exit(). */\n// process.env\nexport const address = "https://example.com/";\n';
    writeFileSync(join(copy, 'src/http/planted-comment.ts'), text);
    expect(check()).toMatchObject({ status: 0, problems: '' });
  });

  it('reports the rule and the file of each forbidden import', () => {
    for (const [file, text] of FORBIDDEN) {
      const path = join(copy, file);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, `${text}\n`);
    }
    const { status, problems } = check();
    expect(status).toBe(1);
    const missed = FORBIDDEN.filter(
      ([file, , rule]) => !problems.split('\n').some((line) => line.startsWith(`${rule}: ${file}`)),
    );
    expect(missed, problems).toEqual([]);
  });

  it('fails when files were skipped', () => {
    const config = '\nmodule.exports.options.exclude = { path: "^src/domain/" };\n';
    appendFileSync(join(copy, '.dependency-cruiser.cjs'), config);
    const { status, problems } = check();
    expect(status).toBe(1);
    const left = readdirSync(join(copy, 'src/domain'));
    expect(left.filter((name) => !problems.includes(`not-cruised: src/domain/${name}`))).toEqual([]);
  });

  it('fails when there are no files', () => {
    for (const folder of ['src', 'console/src']) {
      rmSync(join(copy, folder), { recursive: true });
      mkdirSync(join(copy, folder));
    }
    expect(check().status).not.toBe(0);
  });
});
