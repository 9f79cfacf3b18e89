/** Validity of one certificate; times in milliseconds since the epoch. */
interface Certificate {
  readonly certificateSha256: string;
  readonly notBefore: number;
  readonly notAfter: number;
}

interface Entry {
  readonly at: number;
  /** When it was scheduled. */
  readonly since: number;
  readonly failures: number;
}

const DUE = 2 / 3;
// Spread the renewals of links that were created together.
const SPREAD = 1 / 30;
const FIRST_RETRY_MS = 60_000;
const MAX_RETRY_MS = 60 * 60_000;
const MIN_RETRY_MS = 1_000;

/** Schedules renewals: at two thirds of a certificate's lifetime, and after failures with growing pauses. */
export class RenewalPlan {
  readonly #entries = new Map<string, Entry>();

  /** True if a certificate is to be renewed at `now`. Schedules a certificate that is not scheduled yet. */
  isDue(certificate: Certificate, now: number): boolean {
    const { certificateSha256, notBefore, notAfter } = certificate;
    const entry = this.#entries.get(certificateSha256);
    // If the clock was set back, the scheduled time may be later than the expiry.
    if (entry && entry.since <= now) return entry.at <= now;
    const at = notBefore + (notAfter - notBefore) * (DUE + SPREAD * Math.random());
    this.#entries.set(certificateSha256, { at, since: now, failures: 0 });
    return at <= now;
  }

  /** Schedules a certificate that was issued at `now`; its `notBefore` is some minutes earlier. */
  begin({ certificateSha256, notAfter }: Omit<Certificate, 'notBefore'>, now: number): void {
    const ms = Math.max(MIN_RETRY_MS, (notAfter - now) * (DUE + SPREAD * Math.random()));
    this.#entries.set(certificateSha256, { at: now + ms, since: now, failures: 0 });
  }

  /**
   * Postpones a renewal after a failure: by up to a minute, twice as long after each further failure, at most an hour, and at
   * most a tenth of the remaining validity.
   */
  postpone({ certificateSha256, notAfter }: Omit<Certificate, 'notBefore'>, now: number): void {
    const failures = this.#entries.get(certificateSha256)?.failures ?? 0;
    const tenthOfRest = notAfter > now ? (notAfter - now) / 10 : Number.POSITIVE_INFINITY;
    const longest = Math.min(FIRST_RETRY_MS * 2 ** failures, MAX_RETRY_MS, tenthOfRest);
    const at = now + Math.max(MIN_RETRY_MS, longest) * (0.5 + Math.random() / 2);
    this.#entries.set(certificateSha256, { at, since: now, failures: failures + 1 });
  }

  /** Never schedules this certificate again. */
  giveUp(certificateSha256: string): void {
    this.#entries.set(certificateSha256, {
      at: Number.POSITIVE_INFINITY,
      since: Number.NEGATIVE_INFINITY,
      failures: 0,
    });
  }

  /** Removes all other certificates from the schedule. */
  retainOnly(certificates: readonly string[]): void {
    const retained = new Set(certificates);
    for (const sha256 of this.#entries.keys()) if (!retained.has(sha256)) this.#entries.delete(sha256);
  }

  /** Time of the next renewal of these certificates; infinity if none is scheduled. */
  next(certificates: readonly string[]): number {
    const times = certificates.map((sha256) => this.#entries.get(sha256)?.at ?? Number.POSITIVE_INFINITY);
    return Math.min(...times);
  }
}
