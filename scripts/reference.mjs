// Writes the table of settings in docs/reference/configuration.md from the built program. With --check it writes nothing and
// exits 1 if the table does not match the settings.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { loadConfiguration } from '../dist/config/config.js';
import { groupOf } from '../dist/config/setting-groups.js';
import { flagOf, NOT_IN_FILE, SETTINGS, variableOf } from '../dist/config/settings.js';

const DOCUMENT = fileURLToPath(new URL('../docs/reference/configuration.md', import.meta.url));
const TABLE = /(<!-- settings: [^\n]* -->\n)[\s\S]*?(<!-- \/settings -->)/;
// Skupper's variables, each with a valid value of its setting.
const SKUPPER_VARIABLES = {
  SKUPPER_GRANT_SERVER_PORT: '9090',
  SKUPPER_GRANT_SERVER_BASE_URL: 'grants.example.com:9090',
  SKUPPER_ALLOW_REDEEM_BY_KEY: 'true',
  SKUPPER_PLATFORM: 'kubernetes',
  SKUPPER_GRANT_SERVER_AUTOCONFIGURE: 'true',
  SKUPPER_GRANT_SERVER_TLS_CREDENTIALS: 'skupper-grant-server',
  NAMESPACE: 'skupper',
  WATCH_NAMESPACE: 'west',
  KUBECONFIG: '/etc/kubeconfig',
};

const code = (text) => `\`${text.replaceAll('|', '\\|')}\``;
const words = (text) => text.replaceAll('|', '\\|').replaceAll('<', '&lt;');

/** Returns the Skupper variable of each setting, as the program reports it. */
function skupperNames() {
  const { sources } = loadConfiguration({}, SKUPPER_VARIABLES, true);
  return new Map(
    Object.entries(sources)
      .filter(([, source]) => source.startsWith('variable '))
      .map(([key, source]) => [key, source.slice('variable '.length)]),
  );
}

function settingsTable() {
  const skupper = skupperNames();
  const rows = Object.entries(SETTINGS).map(([key, definition]) => {
    const { placeholder, many, description, elsewhere, short } = definition;
    const group = groupOf(key);
    const scope = group?.startsWith('on ') ? `${group}: ` : '';
    const others = elsewhere === undefined ? '' : `. For commands other than serve: ${elsewhere}`;
    const flag = placeholder === undefined ? flagOf(key) : `${flagOf(key)} ${placeholder}`;
    return [
      code(flag) + (short ? `, ${code(`-${short}`)}` : '') + (many ? ' (repeatable)' : ''),
      code(variableOf(key)),
      NOT_IN_FILE.includes(key) ? '–' : code(key),
      definition.default === undefined ? '–' : code(String(definition.default)),
      words(`${scope}${description}${others}`),
      skupper.has(key) ? code(skupper.get(key)) : '–',
    ];
  });
  const lines = [
    ['Flag', 'Variable', 'File key', 'Default', 'Meaning', "Skupper's variable"],
    Array(6).fill('---'),
    ...rows,
  ];
  return lines.map((cells) => `| ${cells.join(' | ')} |\n`).join('');
}

const written = readFileSync(DOCUMENT, 'utf8');
if (!TABLE.test(written))
  throw new Error('docs/reference/configuration.md has no markers for the table of settings');
const wanted = written.replace(TABLE, (_, begin, end) => `${begin}\n${settingsTable()}\n${end}`);
if (wanted === written) {
  console.log('docs/reference/configuration.md is up to date');
} else if (process.argv.includes('--check')) {
  console.error(
    'docs/reference/configuration.md does not match the settings: run node scripts/reference.mjs',
  );
  process.exitCode = 1;
} else {
  writeFileSync(DOCUMENT, wanted);
  console.log('docs/reference/configuration.md was written');
}
