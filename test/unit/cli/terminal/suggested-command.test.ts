import { describe, expect, it } from 'vitest';
import { completeCommand, completeFailureHint } from '../../../../src/cli/terminal/suggested-command.js';
import { commandContext, runInContext } from '../../../../src/config/command-context.js';

describe('a suggested command', () => {
  it('repeats only the flags that it accepts', () => {
    const flags = { dataDir: '/var/lib/lg', config: '/etc/lg.yaml', namespace: 'west' };
    expect(completeCommand('linkgrant store migrate', flags)).toBe(
      'linkgrant store migrate --data-dir /var/lib/lg --config /etc/lg.yaml',
    );
  });

  it('selects the same remote service, except for a change of a CA, which needs the host of the service', () => {
    const flags = { server: 'https://grants.example.com:9443', serverCa: '/etc/ca.pem', dataDir: '/srv/lg' };
    const remote = '--server https://grants.example.com:9443 --server-ca /etc/ca.pem';
    for (const command of ['redemption list', 'redemption show ID', 'redemption revoke ID', 'grant list -A'])
      expect(completeCommand(`linkgrant ${command}`, flags)).toBe(
        `linkgrant ${command} --data-dir /srv/lg ${remote}`,
      );
    for (const command of ['redemption revoke ID --cut', 'issuer list'])
      expect(completeCommand(`linkgrant ${command}`, flags)).toBe(`linkgrant ${command} --data-dir /srv/lg`);
  });

  it('repeats the files of the CA only for a command that accepts them', () => {
    const flags = { issuerCert: '/etc/ca.crt', issuerKey: '/etc/ca.key' };
    expect(completeCommand('linkgrant redemption list', flags)).toBe('linkgrant redemption list');
    expect(completeCommand('linkgrant redemption revoke ID --cut', flags)).toBe(
      'linkgrant redemption revoke ID --cut --issuer-cert /etc/ca.crt --issuer-key /etc/ca.key',
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

describe('the hint of a failed command', () => {
  it.each([
    ['grant create', 'linkgrant serve --data-dir /srv/lg'],
    ['token issue', 'linkgrant serve --data-dir /srv/lg'],
    ['serve', 'linkgrant serve --data-dir /srv/lg --identities east:a'],
    ['doctor', 'linkgrant serve --data-dir /srv/lg --identities east:a'],
  ])('after %s has the identities of the service, and not those of a grant', (failed, command) => {
    const identities = { dataDir: '/srv/lg', identities: 'east:a' };
    const hint = completeFailureHint('start `linkgrant serve` once', `linkgrant ${failed}`, identities);
    expect(hint).toBe(`start \`${command}\` once`);
  });

  const flags = { dataDir: '/srv/lg', store: 'sqlite:/srv/lg.db', name: 'east' };

  it.each([
    ['issuer retire', 'add it with `linkgrant issuer retire site --force`'],
    ['issuer activate', 'run `linkgrant issuer prepare site` first'],
    ['grant list', 'accept it with `linkgrant store restored`'],
    ['redemption show', 'see `linkgrant redemption list`'],
    ['token issue', 'see `linkgrant grant list -A`'],
    ['link generate', 'revoke it with `linkgrant redemption revoke ID`'],
  ])('after %s suggests a command on the same data directory and store', (failed, hint) => {
    const [start = '', command = '', end = ''] = hint.split('`');
    expect(completeFailureHint(hint, `linkgrant ${failed}`, flags)).toBe(
      `${start}\`${command} --data-dir /srv/lg --store sqlite:/srv/lg.db\`${end}`,
    );
  });

  it.each([
    ['redemption revoke', 'renew them with `linkgrant link renew NAME` on their sites'],
    ['token redeem', 'ask the operator to check the grant with `linkgrant grant show`'],
    ['join', 'ask the operator to check the grant with `linkgrant grant show`'],
    ['link renew', '`linkgrant redemption revoke ID --cut` prevents that'],
    ['doctor', 'ask the operator to check the grant with `linkgrant grant show`', { token: 'token.yaml' }],
  ])('after %s leaves a command of another machine as it is', (failed, hint, others: object = {}) => {
    expect(completeFailureHint(hint, `linkgrant ${failed}`, { ...flags, ...others })).toBe(hint);
  });

  it.each(['token redeem', 'join', 'token inspect', 'grant show'])(
    'after %s begins `token inspect` with the words that started the program',
    async (failed) => {
      const completed = await runInContext(commandContext(), 'npx linkgrant', async () =>
        completeFailureHint('`linkgrant token inspect FILE --check` shows it', `linkgrant ${failed}`, flags),
      );
      expect(completed).toBe('`npx linkgrant token inspect FILE --check` shows it');
    },
  );

  it('begins the commands of this machine with the words that started the program, and no other', async () => {
    const hint = 'see `linkgrant link list`, or ask for `linkgrant grant update NAME`';
    const completed = await runInContext(commandContext(), 'npx linkgrant', async () =>
      completeFailureHint(hint, 'linkgrant token redeem', {}),
    );
    expect(completed).toBe('see `npx linkgrant link list`, or ask for `linkgrant grant update NAME`');
  });

  it('uses the directory of a redemption for the links in it', () => {
    const hint = 'dial it with `linkgrant link check east`';
    expect(completeFailureHint(hint, 'linkgrant token redeem', { to: '/etc/links' })).toBe(
      'dial it with `linkgrant link check east --dir /etc/links`',
    );
  });

  it('adds no directory for a redemption that writes the link to standard output', () => {
    const hint = 'dial it with `linkgrant link check east`';
    expect(completeFailureHint(hint, 'linkgrant token redeem', { to: '-' })).toBe(hint);
  });
});
