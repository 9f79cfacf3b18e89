/** The life of one certificate; times in milliseconds since the epoch. */
interface Certificate {
  readonly certificateSha256: string;
  readonly notBefore: number;
  readonly notAfter: number;
}

interface Entry {
  at: number;
  failures: number;
}

const DUE = 2 / 3;
// Links that were made together are not to be renewed together.
const SPREAD = 1 / 30;
const FIRST_RETRY_MS = 60_000;
const LONGEST_RETRY_MS = 60 * 60_000;
const SHORTEST_RETRY_MS = 1_000;

/** When each certificate is asked to be renewed: at two thirds of its life, and after failures later and later. */
export class RenewalPlan {
  readonly #entries = new Map<string, Entry>();

  isDue(certificate: Certificate, now: number): boolean {
    const { certificateSha256, notBefore, notAfter } = certificate;
    const known = this.#entries.get(certificateSha256);
    if (known) return known.at <= now;
    const at = notBefore + (notAfter - notBefore) * (DUE + SPREAD * Math.random());
    this.#entries.set(certificateSha256, { at, failures: 0 });
    return at <= now;
  }

  /** Notes a certificate that was issued just now: its life began before, for clocks that are slow. */
  begin({ certificateSha256, notAfter }: Omit<Certificate, 'notBefore'>, now: number): void {
    const ms = Math.max(SHORTEST_RETRY_MS, (notAfter - now) * (DUE + SPREAD * Math.random()));
    this.#entries.set(certificateSha256, { at: now + ms, failures: 0 });
  }

  /** Puts the next try off: by a minute and then twice as long each time, up to an hour, but ten times before its end. */
  putOff({ certificateSha256, notAfter }: Omit<Certificate, 'notBefore'>, now: number): void {
    const failures = this.#entries.get(certificateSha256)?.failures ?? 0;
    const left = notAfter > now ? (notAfter - now) / 10 : Number.POSITIVE_INFINITY;
    const longest = Math.min(FIRST_RETRY_MS * 2 ** failures, LONGEST_RETRY_MS, left);
    const at = now + Math.max(SHORTEST_RETRY_MS, longest) * (0.5 + Math.random() / 2);
    this.#entries.set(certificateSha256, { at, failures: failures + 1 });
  }

  /** Never again. */
  giveUp(certificateSha256: string): void {
    this.#entries.set(certificateSha256, { at: Number.POSITIVE_INFINITY, failures: 0 });
  }

  /** Forgets what was planned for other certificates than these. */
  keepOnly(certificates: readonly string[]): void {
    const kept = new Set(certificates);
    for (const sha256 of this.#entries.keys()) if (!kept.has(sha256)) this.#entries.delete(sha256);
  }

  /** When the next of these certificates is asked for; infinity if none is. */
  next(certificates: readonly string[]): number {
    const moments = certificates.map((sha256) => this.#entries.get(sha256)?.at ?? Number.POSITIVE_INFINITY);
    return Math.min(...moments);
  }
}
