import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { forEachParallel } from '../support/parallel.js';
import { releaseAfterFile } from '../support/release.js';
import { judgeAdminResponse } from './admin-judge.js';
import { type HostileAdminRequest, makeAdminRequest, makeBearers } from './admin-requests.js';
import { type HostileGrant, startHostileService } from './hostile-service.js';
import { countOutcome, printOutcomes, requireNone, startRound, type Violation } from './round.js';

const PARALLEL = 12;
const MAX_ANSWER_MS = 60_000;
const GRANTS = 100;
const ALLOWED = 5;
const MAX_SHOWN = 500;

const service = releaseAfterFile(await startHostileService());
const bearers = await makeBearers(service);
const grants: HostileGrant[] = [];
for (let made = 0; made < GRANTS; made += 1) grants.push(await service.grant(`first-${made}`, ALLOWED));

/** The changes of grants that responses of 200, 201 and 204 confirmed. */
class Changes {
  readonly created = new Map<string, string>();
  readonly deleted = new Set<string>();
  readonly revoked = new Set<string>();
  readonly updated = new Set<string>();
  readonly #once = new Map<string, string>();

  /** Records a response. Returns a problem if two creations share a grant, or if one Idempotency-Key created two grants. */
  record(
    { method, path: target, headers, bearer }: HostileAdminRequest,
    status: number,
    body: string,
  ): string | undefined {
    const [path = ''] = target.split('?');
    const [, uid = ''] = /^\/api\/v1\/grants\/([^/?]+)/.exec(path) ?? [];
    if (status === 204) this.deleted.add(uid);
    if (status === 200 && method === 'PATCH') this.updated.add(uid);
    if (status === 200 && method === 'POST' && path.endsWith('/revoke') && uid !== '') this.revoked.add(uid);
    if (status !== 201 || path !== '/api/v1/grants') return undefined;
    const grantUid: string = JSON.parse(body).uid;
    const key = headers['idempotency-key'];
    // Without a key, every request is a creation of its own.
    const owner = key === undefined ? randomUUID() : `${bearer.caller} ${key}`;
    if (this.created.has(grantUid) && this.created.get(grantUid) !== owner)
      return 'one grant for two creations';
    if ((this.#once.get(owner) ?? grantUid) !== grantUid) return 'two grants for one Idempotency-Key';
    this.created.set(grantUid, owner);
    this.#once.set(owner, grantUid);
    return undefined;
  }
}

it('a service survives mutated admin requests, and changes only grants whose change it confirmed to an operator', async () => {
  const round = startRound('admin requests', { full: 2_400, short: 400 });
  const outcomes = new Map<string, number>();
  const violations: Violation[] = [];
  const changes = new Changes();
  const secrets = grants.flatMap(({ code, signedCode }) => [code, signedCode]);
  const requests = Array.from({ length: round.count }, (_, index) =>
    makeAdminRequest(index, grants, bearers, round.chance),
  );
  await forEachParallel(requests, PARALLEL, async (request, index) => {
    const { method, path, body, headers, bearer } = request;
    const startedAt = performance.now();
    const response = await service.admin(method, path, { text: body, headers, bearer: bearer.token });
    const violation = (what: string) => {
      const sent = `${method} ${path} ${JSON.stringify(headers)} ${JSON.stringify(body.slice(0, MAX_SHOWN))}`;
      const received = `${response.status} ${JSON.stringify(response.body.slice(0, MAX_SHOWN))}`;
      violations.push({
        what,
        detail: `request ${index}, bearer token ${bearer.what}: ${sent}\n${received}`,
      });
    };
    countOutcome(outcomes, String(response.status));
    if (performance.now() - startedAt > MAX_ANSWER_MS) violation('no response in time');
    const wrong =
      judgeAdminResponse(request, response, secrets) ??
      changes.record(request, response.status, response.body);
    if (wrong) violation(wrong);
  });
  printOutcomes('responses to admin requests', outcomes);
  requireNone(violations, round);
  for (const status of ['200', '201', '204', '400', '401', '403'])
    expect(outcomes.get(status) ?? 0, status).toBeGreaterThan(0);

  const rows = service.rows<{ uid: string; revoked_at: number | null; redemptions_allowed: number }>(
    'SELECT uid, revoked_at, redemptions_allowed FROM grants',
  );
  const expected = [...grants.map(({ uid }) => uid), ...changes.created.keys()].filter(
    (uid) => !changes.deleted.has(uid),
  );
  expect(rows.map(({ uid }) => uid).sort()).toEqual(expected.sort());
  const first = new Set(grants.map(({ uid }) => uid));
  for (const { uid, revoked_at, redemptions_allowed } of rows) {
    expect(revoked_at !== null, uid).toBe(changes.revoked.has(uid));
    if (first.has(uid) && !changes.updated.has(uid)) expect(redemptions_allowed).toBe(ALLOWED);
  }
  await service.expectUnharmed();
});
