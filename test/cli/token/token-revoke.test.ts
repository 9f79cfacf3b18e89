import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { mintSignedCode } from '../../../src/codes/signed-code.js';
import { expectRefusal, json, linkgrant, refusalOf } from '../../support/command-line.js';
import { inspect, openSignedTokenSite, read } from './signed-token-site.js';

const { hub, issue, place, redeem, run, shown } = await openSignedTokenSite();

describe('token revoke', () => {
  const revoke = (id: string, grant: string) => run(['token', 'revoke', id, '--grant', grant]);

  it('revokes one token only, lists its links, and can be repeated', async () => {
    await hub('revoking');
    const [one, two] = [await issue('revoking', '--redemptions-allowed', '5'), await issue('revoking')];
    await redeem(one, '--name', 'to-revoking');
    const { id } = (await inspect(one)).signed;
    const first = await revoke(id, 'revoking');
    expect(first.stdout).toContain(
      `Token ${id} of grant "revoking" is revoked. It can no longer be redeemed.`,
    );
    expect(first.stdout).toContain('Links that were created with it stay valid: 1.');
    const [redemption] = json(await run(['redemption', 'list', '--grant', 'revoking', '-o', 'json']));
    expect(first.stdout).toContain(`${redemption.id}  to-revoking  to-revoking\n`);
    expect((await revoke(id, 'revoking')).stdout).toContain('was already revoked');
    expect((await redeem(one)).code).toBe(3);
    const revoked = await linkgrant(['token', 'inspect', one, '--check', '-o', 'json']);
    expect(json(revoked)).toMatchObject({ check: { state: 'revoked' } });
    expect(expectRefusal(revoked, 3).hint).toContain('the token or its grant was revoked');
    expect((await redeem(two)).code).toBe(0);
    expect(await shown('revoking')).toMatchObject({ signedTokens: 2, signedTokensRevoked: 1 });
    expect((await run(['grant', 'show', 'revoking'])).stdout).toMatch(
      /^Signed tokens: +2, 1 of them revoked$/m,
    );
  });

  it('revokes an identity before its first use, and can be repeated', async () => {
    await hub('identified', '--identities', 'east:*', '--identity-uses', '3');
    const revokeIdentity = (...args: string[]) => run(['token', 'revoke', '--identity', 'east:a:b', ...args]);
    const { stdout } = await revokeIdentity('--grant', 'identified');
    expect(stdout).toContain('Identity east:a:b is revoked. It can no longer redeem grant "identified".');
    expect((await revokeIdentity('--grant', 'identified')).stdout).toContain('was already revoked');
    const listed = json(await run(['token', 'list', '--grant', 'identified', '-o', 'json']));
    expect(listed).toMatchObject([{ state: 'revoked', redemptions: 0, redemptionsAllowed: 3 }]);
  });

  it.each([
    ['an identity without a colon', ['--identity', 'east', '--grant', 'x'], 'not PROVIDER:SUB'],
    ['an identity without --grant', ['--identity', 'east:a'], 'needs --grant'],
    [
      'an identity and the id of a token',
      ['12345678', '--identity', 'east:a', '--grant', 'x'],
      'no id of a token',
    ],
    ['no token', [], 'not the id of a token'],
  ])('refuses %s', async (_what, args, error) => {
    const refused = await run(['token', 'revoke', ...args], { ends: 2 });
    expect(refusalOf(refused).error).toContain(error);
  });

  it('finds the grant of the token in the namespace without --grant', async () => {
    await hub('bystander');
    await hub('found');
    await hub('elsewhere', '-n', 'north');
    const [file, other] = [await issue('found'), await issue('elsewhere', '-n', 'north')];
    const { id } = (await inspect(file)).signed;
    const { stdout } = await run(['token', 'revoke', id]);
    expect(stdout).toContain(`Token ${id} of grant "found" is revoked. It can no longer be redeemed.`);
    expect((await redeem(file)).code).toBe(3);
    expect((await run(['token', 'revoke', id])).stdout).toContain('was already revoked');
    const { id: foreign } = (await inspect(other)).signed;
    const refused = await run(['token', 'revoke', foreign], { ends: 2 });
    expect(refusalOf(refused).error).toContain(`no record of token ${foreign} in namespace "default"`);
    expect(refusalOf(refused).hint).toMatch(/--grant NAME.*`linkgrant token list/);
    expect((await run(['token', 'revoke', foreign, '-n', 'north'])).stdout).toContain(
      '"elsewhere" is revoked',
    );
  });

  it('revokes no token of another grant that was issued with its signing key and the same id', async () => {
    await hub('issued');
    await hub('shadow');
    await hub('unknown');
    const key = place.path('shadow.json');
    await run(['grant', 'show', 'shadow', '--signing-key', key]);
    /** Redeems a token of grant "shadow" that has the id `jti`. */
    const redeemShadow = async (jti: string) => {
      const file = place.path(`shadow-${jti}.yaml`);
      await linkgrant(['token', 'issue', file, '--signing-key', key]);
      const token = read(file);
      const { grant, jwk } = JSON.parse(readFileSync(key, 'utf8'));
      const now = Date.now();
      const code = { jti, grantUid: grant.uid, uses: 1, issuedAt: now, expirationTime: now + 600_000 };
      const signingKey = { kid: jwk.kid, key: Buffer.from(jwk.k, 'base64url') };
      token.spec.code = await mintSignedCode(code, signingKey);
      writeFileSync(file, stringify(token));
      expect((await redeem(file)).code).toBe(0);
    };
    const file = await issue('issued');
    const { id } = (await inspect(file)).signed;
    await redeemShadow(id);
    const ambiguous = refusalOf(await run(['token', 'revoke', id], { ends: 2 }));
    expect(ambiguous.error).toMatch(/grant "issued"/);
    expect(ambiguous.error).toMatch(/grant "shadow"/);
    expect(ambiguous.hint).toContain('--grant NAME');
    expect((await revoke(id, 'issued')).stdout).toContain('of grant "issued" is revoked');
    expect((await redeem(file)).code).toBe(3);

    // The service did not issue the token of grant "unknown", so it only knows the one of grant "shadow".
    const unknown = 'f6e5d4c3b2a1f6e5d4c3b2a1';
    await redeemShadow(unknown);
    const single = refusalOf(await run(['token', 'revoke', unknown], { ends: 2 }));
    expect(single.error).toContain('grant "shadow" (not issued by this service)');
    expect((await revoke(unknown, 'unknown')).stdout).toContain(`no record of token ${unknown}`);
    expect(await shown('unknown')).toMatchObject({ signedTokensRevoked: 1 });
    expect(await shown('shadow')).toMatchObject({ signedTokensRevoked: 0 });
  });

  it('needs --grant for a token of which the service has no record but a revocation', async () => {
    await hub('guessed');
    const id = 'a1b2c3d4e5f6a1b2c3d4e5f6';
    await revoke(id, 'guessed');
    const refused = await run(['token', 'revoke', id], { ends: 2 });
    expect(refusalOf(refused).error).toContain(`no record of token ${id}`);
  });

  it('refuses a token of another grant and names that grant', async () => {
    await hub('right');
    await hub('wrong');
    const file = await issue('right');
    const { id } = (await inspect(file)).signed;
    const refused = await run(['token', 'revoke', id, '--grant', 'wrong'], { ends: 2 });
    expect(refusalOf(refused).error).toContain(`token ${id} belongs to grant "right", not to "wrong"`);
    expect(await shown('wrong')).toMatchObject({ signedTokens: 0 });
    expect((await redeem(file)).code).toBe(0);
  });

  it('revokes a token of which the service has no record, also after it was revoked with another grant', async () => {
    await hub('other');
    await hub('unseen');
    const key = place.path('unseen.json');
    await run(['grant', 'show', 'unseen', '--signing-key', key]);
    const file = place.path('unseen.yaml');
    await linkgrant(['token', 'issue', file, '--signing-key', key]);
    const { id } = (await inspect(file)).signed;
    for (const grant of ['other', 'unseen']) {
      const { stdout } = await revoke(id, grant);
      expect(stdout).toContain(
        `The service has no record of token ${id}. It is refused from now on if it is a token of grant "${grant}".\n`,
      );
      expect(stdout).not.toContain('is revoked');
      expect(stdout).toContain('No link was created with it.');
    }
    expect((await redeem(file)).code).toBe(3);
    expect(await shown('unseen')).toMatchObject({ redemptions: 0, signedTokensRevoked: 1 });
  });

  it.each([
    [['not an id', '--grant', 'x'], 2, 'the argument is not the id of a token'],
    [['abcdefgh'], 2, 'the service has no record of token abcdefgh in namespace "default"'],
    [['abcdefgh', '--grant', 'nobody'], 1, 'there is no grant "nobody"'],
  ])('refuses %j', async (words, ends, reason) => {
    const ended = await run(['token', 'revoke', ...words], { ends });
    expect(refusalOf(ended).error).toContain(reason);
  });
});
