import { expect, it } from 'vitest';
import { readProjectFile, sectionsOf } from './document.js';

const { version } = JSON.parse(readProjectFile('package.json')) as { readonly version: string };
const sections = sectionsOf(readProjectFile('CHANGELOG.md'));

it('CHANGELOG.md has entries for the version in package.json, or in [Unreleased]', () => {
  const at = sections.findIndex(({ heading }) =>
    [`[${version}]`, '[Unreleased]'].some((start) => heading.startsWith(start)),
  );
  expect(at).toBeGreaterThan(0);
  const next = sections[at + 1];
  expect(next?.level).toBe(3);
  expect(next?.text).toMatch(/^- .+/m);
});

it('openapi.yaml has the version of package.json', () => {
  expect(readProjectFile('openapi.yaml')).toContain(`\n  version: ${version}\n`);
});
