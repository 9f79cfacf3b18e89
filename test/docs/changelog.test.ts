import { expect, it } from 'vitest';
import { readProjectFile, sectionsOf } from './document.js';

const { version } = JSON.parse(readProjectFile('package.json')) as { readonly version: string };
const sections = sectionsOf(readProjectFile('CHANGELOG.md'));

it('the changelog has entries for the version of the package, or for the first release to come', () => {
  const at = sections.findIndex(({ heading }) =>
    [`[${version}]`, '[Unreleased]'].some((start) => heading.startsWith(start)),
  );
  expect(at).toBeGreaterThan(0);
  const next = sections[at + 1];
  expect(next?.level).toBe(3);
  expect(next?.text).toMatch(/^- .+/m);
});

it('openapi.yaml has the same version', () => {
  expect(readProjectFile('openapi.yaml')).toContain(`\n  version: ${version}\n`);
});
