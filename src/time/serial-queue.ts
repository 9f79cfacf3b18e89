/** Runs operations one at a time, in the order in which they were enqueued. */
export class SerialQueue {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs `operation` once all earlier operations have ended. Resolves or rejects as `operation` does. */
  enqueue<T>(operation: () => Promise<T>): Promise<T> {
    const result = this.#last.then(operation);
    this.#last = result.catch(() => undefined);
    return result;
  }
}
