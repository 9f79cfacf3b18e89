import { appendFileSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { defineConfig, type Plugin } from 'vite';

const LICENSES = 'licenses.md';

/** Appends the licences of PatternFly: Vite lists only packages with scripts, and this package has no file with its licence. */
const patternFlyLicenses: Plugin = {
  name: 'patternfly-licenses',
  writeBundle({ dir = '' }) {
    const load = createRequire(import.meta.url);
    const { name, version, license } = load('@patternfly/patternfly/package.json');
    const texts = readFileSync(join(import.meta.dirname, 'patternfly-licenses.md'), 'utf8');
    appendFileSync(join(dir, LICENSES), `\n## ${name} - ${version} (${license})\n\n${texts}`);
  },
};

// The service sends a Content-Security-Policy without inline scripts, inline styles and data: fonts, so nothing is inlined.
export default defineConfig({
  root: import.meta.dirname,
  base: '/console/',
  plugins: [patternFlyLicenses],
  build: {
    outDir: '../dist/console',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: { input: ['index.html', 'message.html'].map((name) => join(import.meta.dirname, name)) },
    license: { fileName: LICENSES },
  },
});
