import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import request from 'supertest';
import { describe, expect, it } from 'vitest';
import { certificateParts } from '../../src/admin/certificate-readiness.js';
import { createMetrics } from '../../src/admin/metrics.js';
import { createOperationsApp, type ReadinessPart } from '../../src/admin/operations-app.js';
import { createStoreMetrics } from '../../src/admin/store-metrics.js';
import { SITE_CA } from '../../src/domain/names.js';
import { releaseAfterTest } from '../support/release.js';
import { DAY, HOUR, startTestService } from '../support/service.js';

const ready = (name: string): ReadinessPart => ({ name, ready: async () => {} });
const failing = (name: string, reason: string): ReadinessPart => ({
  name,
  ready: () => Promise.reject(new Error(reason)),
});

function operations(...parts: ReadinessPart[]) {
  const { registry, ...metrics } = createMetrics();
  const app = createOperationsApp({ parts, metrics: () => registry.metrics() });
  return { app, metrics };
}

describe('the operations listener', () => {
  it('reports healthy while the process answers', async () => {
    await request(operations(failing('store', 'gone')).app)
      .get('/healthz')
      .expect(200, 'ok\n');
  });

  it('reports ready when every part is ready', async () => {
    const answer = await request(operations(ready('store'), ready('issuer')).app)
      .get('/readyz')
      .expect(200);
    expect(answer.body).toEqual({ ready: true, parts: { store: { ready: true }, issuer: { ready: true } } });
  });

  it('reports not ready while one part is not ready, with the part and the reason', async () => {
    const { app } = operations(
      ready('store'),
      failing('issuer', 'the issuer ended 2026-01-01T00:00:00.000Z'),
    );
    const answer = await request(app).get('/readyz').expect(503);
    expect(answer.body).toEqual({
      ready: false,
      parts: {
        store: { ready: true },
        issuer: { ready: false, reason: 'the issuer ended 2026-01-01T00:00:00.000Z' },
      },
    });
  });

  it('reports not ready while a certificate or its CA is not yet valid or has expired', async () => {
    const service = releaseAfterTest(await startTestService());
    const { clock } = service;
    const parts = certificateParts(() => service.running.certificateTimes(), clock.read);
    const { app } = operations(...parts);
    const reasons = async () => {
      const { body } = await request(app).get('/readyz');
      return [body.parts.certificate.reason, body.parts.issuer.reason];
    };
    expect(await reasons()).toEqual([undefined, undefined]);
    clock.advance(-HOUR);
    expect(await reasons()).toEqual([
      expect.stringMatching(/^the server certificate is not valid before \d{4}-/),
      expect.stringMatching(/^the issuer is not valid before \d{4}-/),
    ]);
    // A new server certificate would be valid, but its CA is not.
    await service.running.reloadIdentity();
    expect((await reasons())[0]).toContain('is not valid before');
    clock.advance(HOUR + 366 * DAY);
    expect(await reasons()).toEqual([expect.stringMatching(/^the server certificate expired at/), undefined]);
    await service.running.reloadIdentity();
    expect(await reasons()).toEqual([undefined, undefined]);
  });

  it('reports not ready while the files of the CA are unusable, because then nothing is issued', async () => {
    const service = releaseAfterTest(await startTestService());
    const parts = certificateParts(() => service.running.certificateTimes(), service.clock.read);
    const { app } = operations(...parts);
    const key = join(service.directory, 'issuers', SITE_CA, 'tls.key');
    const content = readFileSync(key);
    writeFileSync(key, 'damaged');
    await service.running.reloadIdentity();
    const { body } = await request(app).get('/readyz').expect(503);
    expect(body.parts.issuer).toEqual({
      ready: false,
      reason: expect.stringContaining('no PEM private key'),
    });
    writeFileSync(key, content);
    await service.running.reloadIdentity();
    await request(app).get('/readyz').expect(200);
  });

  it('has metrics of responses by outcome, their duration and the expiry of certificates', async () => {
    const { app, metrics } = operations();
    metrics.answered('redeem', 'redeemed', 4);
    metrics.answered('redeem', 'redeemed', 6);
    metrics.answered('check', 'code_wrong', 1);
    metrics.setCertificateExpiry('issuer', 2_000_000_000_000);
    const { text, headers } = await request(app).get('/metrics').expect(200);
    expect(headers['content-type']).toMatch(/^text\/plain; version=/);
    expect(text).toContain('linkgrant_responses_total{operation="redeem",outcome="redeemed"} 2\n');
    expect(text).toContain('linkgrant_responses_total{operation="check",outcome="code_wrong"} 1\n');
    expect(text).toContain('linkgrant_response_duration_seconds_count{operation="redeem"} 2\n');
    expect(text).toContain(
      'linkgrant_certificate_expiry_timestamp_seconds{certificate="issuer"} 2000000000\n',
    );
  });

  it('counts grants by state at each scrape, and omits the counts while the store fails', async () => {
    const counts = [{ pending: 0, ready: 3, expired: 1, exhausted: 0, revoked: 0 }];
    const busy = () => Promise.reject(new Error('busy'));
    const noLinks = { valid: 0, expiring: 0, expired: 0, revoked: 0, notRenewing: 0, validNotRenewing: 0 };
    const store = {
      countGrants: async () => counts.shift() ?? busy(),
      countLinks: async () => noLinks,
      listLinks: busy,
      readChanges: async () => ({ version: '1', changed: [] }),
    };
    const readService = async () => undefined;
    const registry = createStoreMetrics({ store, clock: Date.now, readService });
    expect(await registry.metrics()).toContain('linkgrant_grants{state="ready"} 3\n');
    expect(await registry.metrics()).not.toContain('linkgrant_grants{');
  });

  it('sends no HSTS, which browsers ignore over plain HTTP', async () => {
    const { headers } = await request(operations(ready('store')).app).get('/healthz');
    expect(headers).not.toHaveProperty('strict-transport-security');
  });

  it('answers 404 to other paths', async () => {
    await request(operations().app).get('/').expect(404);
  });
});
