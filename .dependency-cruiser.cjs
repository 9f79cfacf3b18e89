/**
 * Imports point one way: domain <- codes, pki <- redemption <- adapters (stores, platforms, client) <- edges
 * (http, admin, cli). The compositions name concrete adapters; main.ts starts. Types count as imports.
 */
const ADAPTERS = '^src/(stores|platforms|client)/';
const EDGES = '^src/(http|admin|cli)/';
// runtime.ts composes the service, the other two what commands need without it.
const COMPOSITIONS =
  '^src/(runtime|kubernetes-service|kubernetes-redeemer|kubernetes-publication|certificate-watch|service-identities|administration|server-administration|admin-side|open-store|store-tools|code-keys|requesting-side|cluster-side|cluster-administration|renewing-side|link-side|system-side|site-issuer|grant-adoption)\\.ts$';
const TOP =
  '^src/(main|runtime|kubernetes-service|kubernetes-redeemer|kubernetes-publication|public-listener|certificate-watch|service-identities|administration|server-administration|admin-side|open-store|store-tools|code-keys|requesting-side|cluster-side|cluster-administration|renewing-side|link-side|system-side|site-issuer|grant-adoption|operations|config|logger)\\.ts$';
const BYTES_ONLY = ['^(node:)?(crypto|util|buffer)$', '(^|/)node_modules/(@types/)?(node-forge|jose)/'];
// Estimates how easily a chosen code is guessed. Loaded with `createRequire` at the first use.
const CODE_STRENGTH = ['^(node:)?module$', '(^|/)node_modules/@zxcvbn-ts/'];
// What only reads words, and what reads and writes files: beneath every adapter and edge.
const SETTINGS = '^src/[^/]+\\.ts$';
const FILES = '^src/files/';
const INNER = '^src/(domain|codes|pki|redemption)/';

/** A layer that imports what it names and itself, and nothing else of src, Node or npm. */
function only(name, from, to, comment) {
  return { name, severity: 'error', comment, from: { path: from }, to: { pathNot: [from, ...to] } };
}

/** A layer that may use Node and packages, but of src only what it names and itself. */
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
      'the words and their rules depend on nothing, not even node:',
    ),
    only(
      'codes-are-bytes',
      '^src/codes/',
      ['^src/domain/', ...BYTES_ONLY, ...CODE_STRENGTH],
      'bytes in, bytes out',
    ),
    only('pki-is-bytes', '^src/pki/', ['^src/domain/', ...BYTES_ONLY], 'bytes in, bytes out'),
    onlyOfSource(
      'acts-know-ports-only',
      '^src/redemption/',
      ['^src/(domain|codes|pki)/'],
      'acts name no adapter and no edge',
    ),
    {
      name: 'acts-do-no-io',
      severity: 'error',
      comment: 'an act reaches the world through its ports',
      from: { path: '^src/redemption/' },
      to: {
        dependencyTypes: ['core', 'npm', 'npm-optional'],
        pathNot: ['^(node:)?(crypto|events|net|timers/promises)$'],
      },
    },
    onlyOfSource(
      'files-know-nothing',
      '^src/files/',
      ['^src/domain/'],
      'private files are beneath the adapters',
    ),
    onlyOfSource('stores-stand-alone', '^src/stores/', [INNER, FILES], 'adapters do not import each other'),
    onlyOfSource('client-stands-alone', '^src/client/', [INNER, FILES], 'adapters do not import each other'),
    {
      name: 'platforms-stand-alone',
      severity: 'error',
      comment:
        'adapters do not import each other, one platform not another; files/ is what platforms of files share',
      from: { path: '^src/platforms/([^/]+)/' },
      to: { path: '^src/', pathNot: ['^src/platforms/($1|files)/', INNER, FILES] },
    },
    {
      name: 'only-compositions-name-adapters',
      severity: 'error',
      from: { path: '^src/', pathNot: [ADAPTERS, COMPOSITIONS] },
      to: { path: ADAPTERS },
    },
    {
      name: 'edges-stand-alone',
      severity: 'error',
      comment: 'one edge may implement a type of another, and uses none of its code',
      from: { path: '^src/(http|admin|cli)/' },
      to: { path: EDGES, pathNot: '^src/$1/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'only-the-command-line-composes',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/cli/', TOP] },
      to: { path: TOP },
    },
    { name: 'nothing-imports-main', severity: 'error', from: {}, to: { path: '^src/main\\.ts$' } },
    {
      name: 'settings-are-words',
      severity: 'error',
      comment: 'the files at the top that are no composition know the domain alone',
      from: { path: SETTINGS, pathNot: TOP },
      to: { path: '^src/', pathNot: [SETTINGS, '^src/domain/'] },
    },
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
