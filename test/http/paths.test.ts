import { describe, expect, it } from 'vitest';
import type { AccessGrant } from '../../src/domain/access-grant.js';
import { csrHeader, redeemedAnswer } from '../support/redeemed-answer.js';
import { releaseAfterFile } from '../support/release.js';
import { type Composition, composeTestService } from '../support/service.js';
import { withStore } from '../support/stores/changed-store.js';
import { exchange, type Target } from '../support/wire.js';

/** Posts to a request target without normalization. HTTP clients would normalize or refuse it. */
function postTo(target: Target, requestTarget: string, code: string) {
  const head = `POST ${requestTarget} HTTP/1.1\r\nHost: grants.example.com\r\ncsr: ${csrHeader().csr}\r\n`;
  return exchange(target, `${head}Content-Length: ${code.length}\r\n\r\n${code}`);
}

/** Starts a service that records the lookups of grants in its store. */
async function spiedService(pathPrefix: string, allowRedeemByKey: boolean) {
  const lookups: string[] = [];
  const composition: Composition = {
    pathPrefix,
    allowRedeemByKey,
    store: (real) =>
      withStore(real, {
        findGrant(uid) {
          lookups.push(uid);
          return real.findGrant(uid);
        },
        findGrantByName(namespace, name) {
          lookups.push(`${namespace}/${name}`);
          return real.findGrantByName(namespace, name);
        },
      }),
  };
  const service = releaseAfterFile(await composeTestService(composition));
  const { grant, code } = await service.storedGrant({ redemptionsAllowed: 100 });
  return { service, lookups, grant, code };
}

type Spied = Awaited<ReturnType<typeof spiedService>>;

const fill = (target: string, { uid, name }: AccessGrant) =>
  target.replace('UID', uid).replace('UPPER', uid.toUpperCase()).replace('NAME', name);

function answersAt(spied: Spied, found: readonly string[], unknownTargets: readonly string[]): void {
  it.each(found)('the request target %s finds the grant', async (target) => {
    const { service, grant, code } = spied;
    const answer = redeemedAnswer(await postTo(service, fill(target, grant), code));
    expect(answer.secret.metadata.name).toBe(grant.name);
  });

  it.each(unknownTargets)('the target %s gets 404, and the store is not read', async (target) => {
    const { service, lookups, grant, code } = spied;
    lookups.length = 0;
    const answer = await postTo(service, fill(target, grant), code);
    expect([answer.status, answer.body]).toEqual([404, 'No such claim\n']);
    expect(lookups).toEqual([]);
  });
}

const LONG = 'a'.repeat(8_000);

const root = await spiedService('/', false);
const prefixed = await spiedService('/grants/v2/', false);
const byKey = await spiedService('/', true);

describe('a service without a path prefix', () => {
  answersAt(
    root,
    [
      ...['/UID', '//UID', '/UID/', '///UID///', '/UPPER'],
      ...['/UID?x=1', '/UID/?', '/UID?a=%2e%2e/..', `/UID?${LONG}`],
      ...['https://grants.example.com/UID', 'https://[::1/UID?x'],
    ],
    [
      ...['/', '//', '*', '/*', `/${LONG}`, `/${'x/'.repeat(3_000)}`],
      ...['/..', '/../UID', '/x/../UID', '/./UID', '/UID/.', '/UID/..'],
      ...['/%2e%2e/UID', '/%2E%2E%2FUID', '/UID%00', '/%30', '/UID%20'],
      ...['/UID;v=1', '/UID#fragment', '/UID\\', '/{UID}', '/urn:uuid:UID'],
      ...['/x/UID', '/UID/x', '/UID/UID', '/default/NAME', '/default/NAME/-/check'],
      ...['/-/check', '/-/renews', '/-/renew/x', '/x/-/renew', '/UID/-/renew'],
      ...['/UID/-', '/UID/check', '/UID/-/checks', '/UID/-/check/x'],
      ...['https://grants.example.com/', 'https://grants.example.com', 'https://grants.example.com/x/UID'],
      ...['https:///UID/x', 'https://[::1/x', 'ftp://[::1/UID', 'ftp://grants.example.com/UID'],
      ...['//x@[y/#UID', '/00000000-0000-0000-0000-0000000000000'],
    ],
  );

  it.each(['UID', '\\UID', 'grants.example.com:9090'])('the target %s gets 400', async (target) => {
    const { service, grant, code } = root;
    expect((await postTo(service, fill(target, grant), code)).status).toBe(400);
  });

  it('merges doubled slashes in the path of a check too', async () => {
    const { service, grant, code } = root;
    const answer = await postTo(service, `//${grant.uid}//-//check/`, code);
    expect(JSON.parse(answer.body)).toMatchObject({ state: 'ready' });
  });

  it.each(['/-/renew', '//-//renew/', '/-/renew?x'])('%s is the path of renewals', async (target) => {
    const { service, lookups, code } = root;
    lookups.length = 0;
    const answer = await postTo(service, target, code);
    expect([answer.status, answer.body]).toEqual([400, 'Request body not valid\n']);
    expect(lookups).toEqual([]);
  });

  it('refuses other methods before it reads the path', async () => {
    const answer = await exchange(root.service, 'DELETE /../x HTTP/1.1\r\nHost: h\r\n\r\n');
    expect(answer.status).toBe(405);
  });
});

describe('a service under a path prefix', () => {
  answersAt(
    prefixed,
    ['/grants/v2/UID', '//grants//v2//UID/', '/grants/v2/UID?x'],
    [
      ...['/UID', '/grants/UID', '/v2/UID', '/x/grants/v2/UID', '/grants/v2/grants/v2/UID', '/-/renew'],
      ...['/grants/v2', '/grants/v2/', '/Grants/v2/UID', '/grants%2fv2/UID', '/grants/v2x/UID'],
    ],
  );

  it('has its path of renewals under that prefix too', async () => {
    expect((await postTo(prefixed.service, '/grants/v2/-/renew', 'x')).status).toBe(400);
  });
});

describe('a service with --allow-redeem-by-key', () => {
  answersAt(
    byKey,
    ['/UID', '/default/NAME', '//default//NAME/', '/default/NAME?x=1'],
    [
      ...['/NAME', '/-/NAME', '/Default/NAME', '/de.fault/NAME', '/../NAME', '/default/NAME%2e'],
      ...['/default/-', '/default/..', '/default/x/NAME', `/default/${LONG}`, '/default/UPPER'],
    ],
  );
});
