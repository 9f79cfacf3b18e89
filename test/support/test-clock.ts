/** A clock that a test moves. It starts at the machine's time, because TLS clients use that time. */
export class TestClock {
  #now = Date.now();

  /** The time as the service's injected clock. */
  readonly read = (): number => this.#now;

  advance(milliseconds: number): void {
    this.#now += milliseconds;
  }
}
