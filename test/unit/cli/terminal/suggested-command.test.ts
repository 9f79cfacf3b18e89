import { describe, expect, it } from 'vitest';
import { completeCommand } from '../../../../src/cli/terminal/suggested-command.js';

describe('a suggested command', () => {
  it('repeats only the flags that it accepts', () => {
    const flags = { dataDir: '/var/lib/lg', config: '/etc/lg.yaml', namespace: 'west' };
    expect(completeCommand('linkgrant store migrate', flags)).toBe(
      'linkgrant store migrate --data-dir /var/lib/lg --config /etc/lg.yaml',
    );
  });

  it('does not repeat the password of a database', () => {
    const command = completeCommand('linkgrant store migrate', {
      store: 'postgres://linkgrant:SECRET@db.example.com/linkgrant',
    });
    expect(command).toContain('--store');
    expect(command).not.toContain('SECRET');
  });

  it('does not repeat the path and the query of a webhook, which may be its credential', () => {
    const webhook = ['https://hooks.example.com/SECRET', new URL('https://b.example.com/?key=SECRET')];
    expect(completeCommand('linkgrant serve', { webhook })).toBe(
      "linkgrant serve --webhook 'https://hooks.example.com/…' --webhook 'https://b.example.com/…'",
    );
  });
});
