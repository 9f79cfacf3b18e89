/**
 * Imports point one way: domain <- codes, pki <- redemption <- stores, platforms, client, http, admin <- compose <- cli <-
 * main. files/, time/ and tracing/ are below the adapters, config/ is below the compositions. Types count as imports.
 */
const ADAPTERS = '^src/(stores|platforms|client)/';
const LISTENERS = '^src/(http|admin)/';
const COMPOSE = '^src/compose/';
const CONFIG = '^src/config/';
const MAIN = '^src/main\\.ts$';
const BYTES_ONLY = ['^(node:)?(crypto|util|buffer)$', '(^|/)node_modules/(@types/)?(node-forge|jose)/'];
// The packages that estimate how easily a user-supplied code is guessed; loaded with `createRequire` at the first use.
const CODE_STRENGTH = ['^(node:)?module$', '(^|/)node_modules/@zxcvbn-ts/'];
const FILES = '^src/files/';
const TIME = '^src/time/';
const TRACING = '^src/tracing/';
// Parts of src besides the domain that run in a browser.
const PURE_PARTS = '^src/(pki/der|codes/word-text|redemption/accepting/glob)\\.ts$';
const INNER = '^src/(domain|codes|pki|redemption)/';

/** A rule: the files in `from` import only each other and `to`, and nothing else of src, Node or npm. */
function only(name, from, to, comment) {
  return { name, severity: 'error', comment, from: { path: from }, to: { pathNot: [from, ...to] } };
}

/** A rule: of src, the files in `from` import only each other and `to`. Node and packages are allowed. */
function onlyOfSource(name, from, to, comment) {
  return {
    name,
    severity: 'error',
    comment,
    from: { path: from },
    to: { path: '^src/', pathNot: [from, ...to] },
  };
}

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-unresolved', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'no-development-packages',
      severity: 'error',
      comment: 'dist/ runs with `npm ci --omit=dev`',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
    only(
      'domain-imports-nothing',
      '^src/domain/',
      [],
      'the types and rules of the domain depend on nothing, not even on node:',
    ),
    only(
      'codes-are-bytes',
      '^src/codes/',
      ['^src/domain/', ...BYTES_ONLY, ...CODE_STRENGTH],
      'bytes in, bytes out',
    ),
    // net checks the text of IP addresses.
    only(
      'pki-is-bytes',
      '^src/pki/',
      ['^src/domain/', ...BYTES_ONLY, '^(node:)?net$'],
      'bytes in, bytes out',
    ),
    onlyOfSource(
      'operations-import-only-ports',
      '^src/redemption/',
      ['^src/(domain|codes|pki)/'],
      'operations name no adapter and no edge',
    ),
    {
      name: 'operations-do-no-io',
      severity: 'error',
      comment: 'operations do I/O only through their ports',
      from: { path: '^src/redemption/' },
      to: {
        dependencyTypes: ['core', 'npm', 'npm-optional'],
        // tls has the list of public CAs.
        pathNot: ['^(node:)?(crypto|events|net|tls|timers/promises)$'],
      },
    },
    onlyOfSource(
      'files-know-nothing',
      '^src/files/',
      ['^src/domain/'],
      'the helpers for files are below the adapters',
    ),
    onlyOfSource(
      'time-imports-no-other-layer',
      '^src/time/',
      [],
      'abort signals and limits are beneath the adapters',
    ),
    onlyOfSource(
      'tracing-imports-no-other-layer',
      TRACING,
      [],
      'spans are beneath the adapters; those of the redemption are added around its ports, in compose/',
    ),
    {
      name: 'only-tracing-imports-opentelemetry',
      severity: 'error',
      comment: 'the packages are optional, and loaded only if traces are exported',
      from: { path: '^src/', pathNot: '^src/tracing/open-telemetry\\.ts$' },
      to: { path: '(^|/)node_modules/@opentelemetry/' },
    },
    {
      name: 'opentelemetry-is-loaded-at-need',
      severity: 'error',
      comment: 'tracing costs nothing while it is off',
      from: { path: '^src/' },
      to: { path: '^src/tracing/open-telemetry\\.ts$', dependencyTypesNot: ['dynamic-import', 'type-only'] },
    },
    onlyOfSource(
      'config-knows-the-domain',
      CONFIG,
      ['^src/domain/', '^src/files/(foreign-directory|packaged-files|system-user|yaml)\\.ts$'],
      'settings are read, not acted on; the version is in a file of the package, defaults are in the home directory, root reads no file of another user, and a configuration file is YAML',
    ),
    onlyOfSource(
      'stores-stand-alone',
      '^src/stores/',
      [INNER, FILES, TIME, TRACING],
      'adapters do not import each other',
    ),
    onlyOfSource(
      'client-stands-alone',
      '^src/client/',
      [INNER, FILES, TIME, TRACING],
      'adapters do not import each other',
    ),
    {
      name: 'platforms-stand-alone',
      severity: 'error',
      comment:
        'adapters do not import each other, one platform not another; files/ is what platforms of files share',
      from: { path: '^src/platforms/([^/]+)/' },
      to: { path: '^src/', pathNot: ['^src/platforms/($1|files)/', INNER, FILES, TIME, TRACING] },
    },
    {
      name: 'only-compositions-name-adapters',
      severity: 'error',
      from: { path: '^src/', pathNot: [ADAPTERS, COMPOSE] },
      to: { path: ADAPTERS },
    },
    {
      name: 'listeners-stand-alone',
      severity: 'error',
      comment: 'what http and admin share is below both',
      from: { path: LISTENERS },
      to: { path: ['^src/cli/', LISTENERS], pathNot: '^src/$1/' },
    },
    {
      name: 'command-line-imports-no-listener',
      severity: 'error',
      comment: 'commands may import types of http and admin, but no code',
      from: { path: '^src/cli/' },
      to: { path: LISTENERS, dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'only-the-command-line-composes',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/cli/', COMPOSE, MAIN] },
      to: { path: COMPOSE },
    },
    {
      name: 'only-commands-and-compositions-read-settings',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/cli/', COMPOSE, CONFIG, MAIN] },
      to: { path: CONFIG },
    },
    {
      name: 'only-main-stands-at-the-top',
      severity: 'error',
      comment: 'a file belongs into the folder of its layer',
      from: { path: '^src/[^/]+\\.ts$', pathNot: MAIN },
      to: {},
    },
    only(
      'console-api-imports-its-types',
      '^console/src/api/',
      ['^src/domain/generated/', '(^|/)node_modules/openapi-fetch/'],
      'the client of the admin API knows no screen',
    ),
    only(
      'console-state-imports-api',
      '^console/src/state/',
      ['^console/src/api/', '(^|/)node_modules/preact/'],
      'state and preferences know no component',
    ),
    only(
      'console-components-import-state',
      '^console/src/components/',
      ['^console/src/(api|state)/', '^src/domain/', PURE_PARTS, '(^|/)node_modules/(preact|uqr)/'],
      'components know no screen',
    ),
    only(
      'console-dialogs-import-components',
      '^console/src/dialogs/',
      ['^console/src/(api|state|components)/', '^src/domain/', '(^|/)node_modules/preact/'],
      'dialogs know no screen',
    ),
    onlyOfSource(
      'console-imports-pure-parts',
      '^console/',
      ['^src/domain/', PURE_PARTS],
      'the console runs in a browser',
    ),
    {
      name: 'nothing-imports-the-console',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^console/' },
    },
    { name: 'nothing-imports-main', severity: 'error', from: {}, to: { path: MAIN } },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'types', 'node', 'default'],
    },
  },
};
