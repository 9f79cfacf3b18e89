import { describe, expect, it } from 'vitest';
import { openAcceptingSite } from '../support/accepting-site.js';
import { linkgrant } from '../support/command-line.js';

const { place, data, run, redeem } = await openAcceptingSite([
  ...['--endpoint', 'inter-router=[2001:db8::5]:55671'],
]);
const token = place.path('token.yaml');
const links = ['--dir', place.path('west', 'links')];

const issued = (await run('token', 'issue', token, '--redemptions-allowed', '2')).stderr;
await redeem(token, 'west', '--name', 'west');

describe('IPv6 endpoint', () => {
  it('token issue prints the address of an IPv6 endpoint in brackets', () => {
    expect(issued).toContain('Links to inter-router [2001:db8::5]:55671\n');
  });

  it.each([
    ['link status', ['link', 'status', ...links]],
    ['link status -o yaml', ['link', 'status', 'west', '-o', 'yaml', ...links]],
    ['token inspect --check', ['token', 'inspect', token, '--check']],
    ['token inspect --check -o json', ['token', 'inspect', token, '--check', '-o', 'json']],
    ['link generate', ['link', 'generate', 'north', '--to', place.path('north'), ...data]],
    ['link check', ['link', 'check', 'west', '--timeout', '1s', ...links]],
    ['doctor', ['doctor', ...data]],
  ])('%s prints the address of an IPv6 endpoint in brackets', async (_, words) => {
    const { stdout, stderr } = await linkgrant(words);
    expect(stdout + stderr).toContain('[2001:db8::5]:55671');
    expect(stdout + stderr).not.toContain('2001:db8::5:55671');
  });
});
