/** Runs operations one at a time, in the order in which they were enqueued. */
export class SerialQueue {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs `operation` once all operations before it have ended; resolves or rejects as it does. */
  enqueue<T>(operation: () => Promise<T>): Promise<T> {
    const result = this.#last.then(operation);
    this.#last = result.catch(() => undefined);
    return result;
  }
}
