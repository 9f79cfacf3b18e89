// The programs of the tests that import built code, in one executable:  linkgrant-tests PROGRAM ARGUMENT…
const PROGRAMS = {
  'killed-at.mjs': () => import('../chaos/killed-at.mjs'),
  'link-renewer.mjs': () => import('./sites/link-renewer.mjs'),
  'token-redeemer.mjs': () => import('./sites/token-redeemer.mjs'),
  'store-redeemer.mjs': () => import('./stores/store-redeemer.mjs'),
  'store-conformance': () => import('../chaos/store-conformance.js'),
};

// The programs read their arguments as Node passes them.
const [program] = process.argv.splice(2, 1);
void PROGRAMS[program]();
