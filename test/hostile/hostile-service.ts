import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import {
  type AdminRequest,
  adminFlags,
  askAdmin,
  type IssuerKey,
  makeIssuerKey,
  signBearer,
} from '../support/admin-api.js';
import { ENDPOINT, linkgrant, type Serving, Workplace } from '../support/command-line.js';
import { readOperations } from '../support/operations.js';
import { withSqliteFile } from '../support/stores/sqlite-file.js';
import type { WireResponse } from '../support/wire.js';

const HOUR_MS = 3_600_000;

/** A grant with its own code and one signed code. */
export interface HostileGrant {
  readonly uid: string;
  readonly name: string;
  readonly code: string;
  readonly signedCode: string;
}

/** The built service as a process of its own, with its admin API, for a part of the hostile round. */
export interface HostileService {
  readonly port: number;
  readonly ca: string;
  readonly key: IssuerKey;
  readonly operator: string;
  readonly viewer: string;
  /** Creates a grant of that many redemptions over the admin API. */
  grant(
    name: string,
    redemptionsAllowed: number,
    policy?: Readonly<Record<string, string>>,
  ): Promise<HostileGrant>;
  admin(method: string, path: string, request?: AdminRequest): Promise<WireResponse>;
  /** The processor time that the process has used, in milliseconds. */
  processorMs(): Promise<number>;
  /** The rows that a query of the SQLite file returns. */
  rows<Row>(query: string): Row[];
  /**
   * Asserts that the use count of each grant is the number of its recorded certificates; returns the serial numbers of all.
   */
  recordedSerials(): Set<string>;
  /**
   * Asserts that the process still runs and is healthy, that its metrics count no 500 answer and no store failure, that it
   * shuts down cleanly, that it logged no error, and that its ledger is intact.
   */
  expectUnharmed(): Promise<void>;
  remove(): Promise<void>;
}

/** Starts the service with more flags. */
export async function startHostileService(flags: readonly string[] = []): Promise<HostileService> {
  const place = new Workplace();
  const dataDirectory = place.path('data');
  const key = await makeIssuerKey('first');
  const serving = await place.serve([
    ...['--data-dir', dataDirectory, ...ENDPOINT],
    ...['--ops-listen', '127.0.0.1:0', '--allow-redeem-by-key'],
    ...adminFlags(key, place.path('jwks.json')),
    ...flags,
  ]);
  const ca = readFileSync(`${dataDirectory}/issuers/linkgrant-server-ca/tls.crt`, 'utf8');
  const expiresAt = Date.now() + HOUR_MS;
  const operator = await signBearer(key, Date.now(), { expiresAt });
  const viewer = await signBearer(key, Date.now(), { expiresAt, claims: { roles: ['linkgrant-viewer'] } });
  const admin: HostileService['admin'] = (method, path, request = {}) =>
    askAdmin({ port: serving.adminPort, ca }, method, path, { bearer: operator, ...request });
  const created = async (path: string, json: unknown) => {
    const answer = await admin('POST', path, { json });
    expect(answer, answer.body).toMatchObject({ status: 201 });
    return JSON.parse(answer.body);
  };
  const rows = <Row>(query: string) =>
    withSqliteFile(
      `${dataDirectory}/linkgrant.db`,
      (database) => database.prepare(query).rows([], false) as Row[],
    );
  return {
    ...{ port: serving.port, ca, key, operator, viewer, admin, rows },
    async grant(name, redemptionsAllowed, policy) {
      const { uid, code } = await created('/api/v1/grants', {
        ...{ name, redemptionsAllowed, expirationWindow: '2h' },
        ...(policy && { policy }),
      });
      const token = await created('/api/v1/tokens', { grantUid: uid, redemptionsAllowed });
      return { uid, name, code, signedCode: token.token.spec.code };
    },
    async processorMs() {
      const { text } = await readOperations(serving, '/metrics');
      return Number(/^process_cpu_seconds_total (\S+)$/m.exec(text)?.[1]) * 1_000;
    },
    recordedSerials() {
      const counted = rows<{ redemptions: number; recorded: number }>(
        `SELECT redemptions, (SELECT count(*) FROM redemptions WHERE grant_uid = uid) AS recorded FROM grants`,
      );
      for (const { redemptions, recorded } of counted) expect(redemptions).toBe(recorded);
      return new Set(rows<{ serial: string }>('SELECT serial FROM redemptions').map(({ serial }) => serial));
    },
    expectUnharmed: () => expectUnharmed(serving, dataDirectory),
    remove: () => place.remove(),
  };
}

async function expectUnharmed(serving: Serving, dataDirectory: string): Promise<void> {
  const health = await readOperations(serving, '/readyz');
  expect(health.status, health.text).toBe(200);
  const { text: metrics } = await readOperations(serving, '/metrics');
  const failures = metrics.split('\n').filter((line) => {
    const isFailure =
      /outcome="(internal|store_unavailable)"|code="internal"|status="5\d\d"|linkgrant_(store|ledger)_failures/;
    return isFailure.test(line) && !line.startsWith('#') && !line.endsWith(' 0');
  });
  expect(failures).toEqual([]);
  expect(await serving.stop()).toEqual({ code: 0, signal: null });
  const errors = serving.said.stderr.split('\n').filter((line) => /"level":"(error|fatal)"/.test(line));
  expect(errors).toEqual([]);
  expect(serving.said.stderr).not.toMatch(/^\s+at .*:\d+:\d+/m);
  const verified = await linkgrant(['ledger', 'verify', '--data-dir', dataDirectory]);
  expect(verified, verified.stderr).toMatchObject({ code: 0 });
}
