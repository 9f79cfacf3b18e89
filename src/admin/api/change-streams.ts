import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { AdministrationError } from '../../domain/administration-error.js';
import type { Administration } from '../../redemption/administration/administration.js';

/** Limits of the streams of changes. */
export interface StreamLimits {
  readonly streams: number;
  /** Maximum number of open streams of one caller. */
  readonly streamsOfCaller: number;
  /** Time between two reads of the store's version, in milliseconds. */
  readonly pollMs: number;
  readonly heartbeatMs: number;
  /** Maximum duration of a stream, in milliseconds. After that the client has to authenticate again. */
  readonly maxDurationMs: number;
}

const LIMITS: StreamLimits = {
  streams: 250,
  streamsOfCaller: 20,
  pollMs: 1_000,
  heartbeatMs: 15_000,
  maxDurationMs: 900_000,
};

/**
 * The open streams of changes (Server-Sent Events). While at least one is open, the store's version is read once a second for all
 * of them. A client that does not read is disconnected: nothing is buffered for it.
 */
export class ChangeStreams {
  readonly #administration: Pick<Administration, 'readChanges'>;
  readonly #limits: StreamLimits;
  readonly #open = new Map<ServerResponse, string>();
  readonly #closing = new AbortController();
  /** The last version that was read; undefined while no versions are read. */
  #version: string | undefined;
  #isPolling = false;

  constructor(administration: Pick<Administration, 'readChanges'>, limits: Partial<StreamLimits> = {}) {
    this.#administration = administration;
    this.#limits = { ...LIMITS, ...limits };
  }

  get size(): number {
    return this.#open.size;
  }

  /**
   * Opens a stream as the response to a caller. Rejects with AdministrationError `too_many_streams`, and if the store cannot be
   * read.
   */
  async open(response: ServerResponse, caller: string): Promise<void> {
    const { signal } = this.#closing;
    if (signal.aborted || this.#open.size >= this.#limits.streams)
      throw new AdministrationError('too_many_streams', 'no more streams of changes can be opened now');
    const { streamsOfCaller } = this.#limits;
    if ([...this.#open.values()].filter((owner) => owner === caller).length >= streamsOfCaller) {
      const problem = `this caller has ${streamsOfCaller} open streams of changes`;
      throw new AdministrationError('too_many_streams', problem, { hint: 'close one of them' });
    }
    this.#open.set(response, caller);
    try {
      if (this.#version === undefined) {
        const { version } = await this.#administration.readChanges();
        // A stream that opened in the meantime may have read an older version, and needs the changes since then.
        this.#version ??= version;
      }
    } catch (error) {
      this.#open.delete(response);
      throw error;
    }
    response.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      connection: 'close',
      // Proxies such as nginx would buffer the stream.
      'x-accel-buffering': 'no',
    });
    writeEvent(response, eventText('hello', { version: this.#version }));
    const { heartbeatMs, maxDurationMs } = this.#limits;
    const heartbeat = setInterval(() => writeEvent(response, eventText('heartbeat', {})), heartbeatMs);
    const end = setTimeout(() => response.end(), maxDurationMs);
    const forget = () => {
      clearInterval(heartbeat);
      clearTimeout(end);
      this.#open.delete(response);
    };
    response.once('close', forget);
    // The client may have disconnected before this listener was added.
    if (response.destroyed) forget();
    if (signal.aborted) response.end();
    if (!this.#isPolling) void this.#poll();
  }

  /** Ends all streams, and opens no more. */
  close(): void {
    this.#closing.abort();
    // A response without headers still waits for the store; `open` ends it.
    for (const response of this.#open.keys()) if (response.headersSent) response.end();
  }

  async #poll(): Promise<void> {
    const { signal } = this.#closing;
    this.#isPolling = true;
    while (this.#open.size > 0 && !signal.aborted) {
      await sleep(this.#limits.pollMs, undefined, { signal }).catch(() => undefined);
      try {
        const { version, changed } = await this.#administration.readChanges(this.#version);
        this.#version = version;
        const text = changed.map((resource) => eventText('changed', { resource, version })).join('');
        if (text !== '') for (const response of this.#open.keys()) writeEvent(response, text);
      } catch {
        // The next successful read reports the changes since the last one.
      }
    }
    this.#isPolling = false;
    this.#version = undefined;
  }
}

function eventText(event: string, data: object): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** Writes to a stream, or disconnects a client that has not read what was written before. */
function writeEvent(response: ServerResponse, text: string): void {
  if (response.writableNeedDrain) response.destroy();
  else if (response.headersSent && !response.writableEnded) response.write(text);
}
