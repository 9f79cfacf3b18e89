import { type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from 'node:http';

/** The response to a request of a {@link ConsoleSession}. */
export interface ConsoleResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** The body as JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: responses of many shapes.
  json(): any;
}

/** The requests that the pages of `linkgrant console` send, without a browser. */
export class ConsoleSession {
  readonly #origin: string;
  #cookie = '';

  private constructor(origin: string) {
    this.#origin = origin;
  }

  /** Opens a one-time URL. */
  static async open(url: string): Promise<ConsoleSession> {
    const session = new ConsoleSession(new URL(url).origin);
    const { status, headers } = await session.send(url);
    if (status !== 303) throw new Error(`the URL was answered with ${status}`);
    session.#cookie = headers['set-cookie']?.[0]?.split(';')[0] ?? '';
    return session;
  }

  /** Sends a GET, or a POST if `json` is given; `more` are further headers. */
  send(path: string, json?: unknown, more: OutgoingHttpHeaders = {}): Promise<ConsoleResponse> {
    const { host, origin, port, pathname, search } = new URL(path, this.#origin);
    const headers = { host, origin, cookie: this.#cookie, 'content-type': 'application/json', ...more };
    const method = json === undefined ? 'GET' : 'POST';
    // Not every resolver knows names under `localhost`.
    const target = { host: '127.0.0.1', port, path: pathname + search, method, headers, agent: false };
    return new Promise((resolve, reject) => {
      const outgoing = request(target, async (response) => {
        let body = '';
        for await (const piece of response.setEncoding('utf8')) body += piece;
        const { statusCode: status = 0, headers: received } = response;
        resolve({ status, headers: received, body, json: () => JSON.parse(body) });
      });
      outgoing.once('error', reject);
      outgoing.end(json === undefined ? '' : JSON.stringify(json));
    });
  }
}
