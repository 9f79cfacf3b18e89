const WINDOW_MS = 10_000;
// A namespace has one or two issuers, and each is judged once in ten seconds. The slowest certificates take 60 ms.
const MOST_JUDGEMENTS = 20;
const MOST_NAMESPACES = 10_000;

/** Limits how often the certificates of a namespace are judged, because that blocks the event loop. */
export class JudgementLimit {
  readonly #windows = new Map<string, { count: number; readonly from: number }>();

  /** Counts a judgement; false if the namespace has had 20 within ten seconds. */
  admit(namespace: string, now: number): boolean {
    const window = this.#windows.get(namespace);
    if (window && now >= window.from && now < window.from + WINDOW_MS) {
      window.count += 1;
      return window.count <= MOST_JUDGEMENTS;
    }
    this.#windows.delete(namespace);
    this.#windows.set(namespace, { count: 1, from: now });
    const [oldest] = this.#windows.keys();
    if (this.#windows.size > MOST_NAMESPACES && oldest !== undefined) this.#windows.delete(oldest);
    return true;
  }
}
