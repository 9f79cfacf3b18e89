import { once } from 'node:events';
import { errorOfResponse } from '../../src/platforms/kubernetes/api/api-error.js';
import {
  type ApiRequest,
  type ApiTransport,
  noResponseError,
  type ResponseStream,
} from '../../src/platforms/kubernetes/api/api-transport.js';
import type { Change, ServerResponse, SimulatedApiServer } from './simulated-api-server.js';
import type { SimulatedTime } from './simulated-time.js';

/** What happens to a request: see {@link FATES}. */
export type Fate = (typeof FATES)[number];

/** `lost`: the request does not arrive. `cut`: its response does not arrive. `hung`: the client gets no error, so it has to limit the time. */
export const FATES = ['lost', 'cut', 'hung', 'cut and hung', 'slow', '500', '429'] as const;

/** A fault that the next matching requests meet. */
export interface Fault {
  readonly fate: Fate;
  /** The start of the description of the request: `create redemptions`. */
  readonly request: string;
  /** Number of matching requests that pass before it. */
  readonly skip: number;
}

const CUT = new Error('the connection broke');
const BOOKMARK_MS = 3_000;

/** The connections between the replicas and the API server: they delay each message, and break. */
export class SimulatedNetwork {
  readonly #time: SimulatedTime;
  readonly #server: SimulatedApiServer;
  readonly #faults: { fault: Fault; left: number }[] = [];
  readonly #streams = new Set<EventStream>();
  readonly #log: string[];
  #isDown = false;

  constructor(time: SimulatedTime, server: SimulatedApiServer, log: string[]) {
    this.#time = time;
    this.#server = server;
    this.#log = log;
  }

  add(fault: Fault): void {
    this.#faults.push({ fault, left: fault.skip });
  }

  /** Ends all faults, and the restart of the API server. */
  heal(): void {
    this.#faults.length = 0;
    this.#isDown = false;
  }

  /** Breaks all watches. */
  breakStreams(): void {
    for (const stream of this.#streams) stream.fail(CUT);
  }

  /** Stops the API server for some milliseconds. It forgets the past versions. */
  restartServer(ms: number): void {
    this.#isDown = true;
    this.breakStreams();
    this.#server.compact();
    this.#time.after(ms, () => {
      this.#isDown = false;
    });
  }

  /** The connection of a replica. After `crash`, nothing that the replica sends arrives, and it receives nothing. */
  connect(replica: string): ApiTransport & { crash(): void } {
    let isDead = false;
    const never = <T>() => new Promise<T>(() => {});
    return {
      namespace: undefined,
      close: () => undefined,
      crash: () => {
        isDead = true;
      },
      exchange: (request) => (isDead ? never() : this.#exchange(replica, request, () => isDead)),
      openStream: (request) => (isDead ? never() : this.#openStream(replica, request, () => isDead)),
    };
  }

  #exchange(replica: string, request: ApiRequest, isDead: () => boolean): Promise<unknown> {
    const { description, signal } = request;
    const fate = this.#fateOf(description);
    return new Promise((resolve, reject) => {
      const note = (what: string) => this.#note(`${replica}: ${description} ${what}`);
      const answer = (settle: () => void) => () => {
        if (!isDead()) settle();
      };
      const fail = (isUnknown = true, cause: unknown = CUT) =>
        answer(() => reject(noResponseError(description, cause, isUnknown)))();
      signal.addEventListener('abort', () => fail(true, signal.reason));
      const respond = ({ status, body }: ServerResponse) =>
        this.#time.after(
          this.#delay(fate),
          answer(() => {
            if (status < 300) resolve(body);
            else reject(errorOfResponse(description, status, {}, JSON.stringify(body)));
          }),
        );
      this.#time.after(this.#delay(fate), () => {
        if (this.#isDown) return this.#time.after(this.#delay(), () => fail(false));
        if (fate === '429' || fate === '500') {
          note(`is answered with ${fate}`);
          // A failure inside the server can come before or after the write.
          if (fate === '500' && this.#time.random() < 0.5) this.#server.handle(request);
          return respond({ status: Number(fate), body: {} });
        }
        if (fate === 'lost' || fate === 'hung') {
          note('is lost');
          return fate === 'hung' ? undefined : fail();
        }
        const response = this.#server.handle(request);
        const isCut = fate === 'cut' || fate === 'cut and hung';
        note(`${response.status}${isCut ? ', the response is lost' : ''}`);
        if (!isCut) return respond(response);
        return fate === 'cut' ? this.#time.after(this.#delay(), () => fail()) : undefined;
      });
    });
  }

  async #openStream(replica: string, request: ApiRequest, isDead: () => boolean): Promise<ResponseStream> {
    const { description, path, signal } = request;
    const fate = this.#fateOf(description);
    await this.#time.wait(this.#delay(fate));
    if (isDead()) return new Promise(() => {});
    if (fate === 'hung' && !signal.aborted) await once(signal, 'abort');
    if (signal.aborted) throw noResponseError(description, signal.reason, false);
    if (this.#isDown || fate === 'lost' || fate === 'cut') throw noResponseError(description, CUT, false);
    const { past, selects, timeoutMs } = this.#server.watch(path);
    if ('status' in past) {
      this.#note(`${replica}: ${description} ${past.status}`);
      throw errorOfResponse(description, past.status, {}, JSON.stringify(past.body));
    }
    const stream = new EventStream(this.#time, () => this.#delay(), isDead);
    const send = ({ type, object }: Change) => stream.send(JSON.stringify({ type, object }));
    past.forEach(send);
    const unfollow = this.#server.follow((change) => selects(change) && send(change));
    const bookmark = () => {
      const metadata = { resourceVersion: String(this.#server.version) };
      stream.send(JSON.stringify({ type: 'BOOKMARK', object: { metadata } }));
      stopBookmarks = this.#time.after(BOOKMARK_MS, bookmark);
    };
    let stopBookmarks = this.#time.after(BOOKMARK_MS * this.#time.random(), bookmark);
    const stopTimeout = this.#time.after(timeoutMs, () => stream.end());
    this.#streams.add(stream);
    stream.onClose = () => {
      unfollow();
      stopBookmarks();
      stopTimeout();
      this.#streams.delete(stream);
    };
    signal.addEventListener('abort', () => stream.fail(signal.reason));
    return stream;
  }

  /** Mostly some milliseconds, at times seconds. */
  #delay(fate?: Fate): number {
    const random = this.#time.random();
    if (fate === 'slow') return 12_000 * random;
    return random < 0.95 ? 0.2 + 10 * random : 1_000 * this.#time.random();
  }

  #fateOf(description: string): Fate | undefined {
    const index = this.#faults.findIndex(({ fault }) => description.startsWith(fault.request));
    const found = this.#faults[index];
    if (!found) return undefined;
    found.left -= 1;
    if (found.left >= 0) return undefined;
    this.#faults.splice(index, 1);
    return found.fault.fate;
  }

  #note(text: string): void {
    this.#log.push(`${(this.#time.now / 1_000).toFixed(3)} s  ${text}`);
  }
}

/** The lines of a watch, each delayed, in their order. */
class EventStream implements ResponseStream {
  onClose = (): void => undefined;
  readonly #time: SimulatedTime;
  readonly #delay: () => number;
  readonly #isDead: () => boolean;
  readonly #sent: (() => void)[] = [];
  readonly #arrived: string[] = [];
  #lastArrival = 0;
  #end: { readonly error?: unknown } | undefined;
  #wake = (): void => undefined;

  constructor(time: SimulatedTime, delay: () => number, isDead: () => boolean) {
    this.#time = time;
    this.#delay = delay;
    this.#isDead = isDead;
  }

  send(line: string): void {
    this.#arrive(() => this.#arrived.push(`${line}\n`));
  }

  end(): void {
    this.#arrive(() => this.#close({}));
  }

  fail(error: unknown): void {
    this.#close({ error });
    this.#wake();
  }

  setEncoding(): this {
    return this;
  }

  destroy(): this {
    this.#close({});
    return this;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<string> {
    for (;;) {
      if (this.#isDead()) await new Promise(() => {});
      const line = this.#arrived.shift();
      if (line !== undefined) yield line;
      else if (this.#end && 'error' in this.#end) throw this.#end.error;
      else if (this.#end) return;
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
  }

  #arrive(run: () => void): void {
    this.#sent.push(run);
    this.#lastArrival = Math.max(this.#lastArrival, this.#time.now + this.#delay());
    this.#time.after(this.#lastArrival - this.#time.now, () => {
      const arrive = this.#sent.shift();
      if (this.#end) return;
      arrive?.();
      this.#wake();
    });
  }

  #close(end: { readonly error?: unknown }): void {
    if (this.#end) return;
    this.#end = end;
    this.onClose();
  }
}
