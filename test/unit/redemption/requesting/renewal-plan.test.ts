import { describe, expect, it } from 'vitest';
import { RenewalPlan } from '../../../../src/redemption/requesting/renewal-plan.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const certificate = { certificateSha256: 'aa', notBefore: 0, notAfter: 30 * DAY };

describe('the renewal plan', () => {
  it('plans the renewal of a certificate after two thirds of its lifetime, plus a random delay of up to a thirtieth of it', () => {
    for (let round = 0; round < 100; round += 1) {
      const plan = new RenewalPlan();
      expect(plan.isDue(certificate, 20 * DAY - 1)).toBe(false);
      const next = plan.next(['aa']);
      expect(next).toBeGreaterThanOrEqual(20 * DAY);
      expect(next).toBeLessThanOrEqual(21 * DAY);
      expect(plan.isDue(certificate, next)).toBe(true);
    }
  });

  it('spreads certificates that were issued at the same moment', () => {
    const plan = new RenewalPlan();
    const names = Array.from({ length: 50 }, (_, index) => String(index));
    for (const certificateSha256 of names) plan.isDue({ ...certificate, certificateSha256 }, 0);
    expect(new Set(names.map((name) => plan.next([name]))).size).toBe(50);
  });

  it('retries after growing intervals, up to an hour, and sooner close to the expiry', () => {
    const plan = new RenewalPlan();
    const now = 20 * DAY;
    const waits = Array.from({ length: 12 }, () => {
      plan.postpone(certificate, now);
      return plan.next(['aa']) - now;
    });
    waits.forEach((wait, index) => {
      const full = Math.min(MINUTE * 2 ** index, HOUR);
      expect(wait).toBeGreaterThanOrEqual(full / 2);
      expect(wait).toBeLessThanOrEqual(full);
    });
    const late = 30 * DAY - 5 * MINUTE;
    plan.postpone(certificate, late);
    expect(plan.next(['aa']) - late).toBeLessThanOrEqual(MINUTE / 2);
  });

  it('waits at least 30 seconds before it retries an expired certificate', () => {
    const plan = new RenewalPlan();
    plan.postpone(certificate, 31 * DAY);
    expect(plan.next(['aa'])).toBeGreaterThanOrEqual(31 * DAY + MINUTE / 2);
  });

  it('counts the lifetime of a new certificate from its issue, although its validity starts earlier', () => {
    const plan = new RenewalPlan();
    const now = DAY;
    plan.begin({ certificateSha256: 'bb', notAfter: now + MINUTE }, now);
    expect(plan.isDue({ certificateSha256: 'bb', notBefore: 0, notAfter: now + MINUTE }, now)).toBe(false);
    expect(plan.next(['bb'])).toBeLessThanOrEqual(now + 0.7 * MINUTE);
  });

  it('never retries a final failure', () => {
    const plan = new RenewalPlan();
    plan.giveUp('aa');
    expect(plan.isDue(certificate, -DAY)).toBe(false);
    expect(plan.isDue(certificate, 100 * DAY)).toBe(false);
    expect(plan.next(['aa'])).toBe(Number.POSITIVE_INFINITY);
  });

  it('schedules a certificate again by its validity if the clock was set back after a failure', () => {
    const plan = new RenewalPlan();
    const now = 19 * DAY;
    plan.isDue(certificate, now + 20 * DAY);
    plan.postpone(certificate, now + 20 * DAY);
    expect(plan.isDue(certificate, now)).toBe(false);
    expect(plan.next(['aa'])).toBeLessThanOrEqual(21 * DAY);
    expect(plan.isDue(certificate, 21 * DAY)).toBe(true);
  });

  it('drops certificates that no longer exist', () => {
    const plan = new RenewalPlan();
    for (const certificateSha256 of ['aa', 'bb']) plan.isDue({ ...certificate, certificateSha256 }, 0);
    const next = plan.next(['bb']);
    plan.retainOnly(['bb']);
    expect(plan.next(['aa'])).toBe(Number.POSITIVE_INFINITY);
    expect(plan.next(['bb'])).toBe(next);
  });
});
