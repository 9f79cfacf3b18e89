import { createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { CloudEvent } from '../../../src/redemption/notifying/cloud-event.js';
import { type LocalServer, listenLocally } from './local-server.js';

/** The secret of the tests, as its file contains it. */
export const WEBHOOK_SECRET = `whsec_${Buffer.from('a secret of thirty-two bytes....').toString('base64')}`;

/** A message that the receiver got. */
export interface ReceivedMessage {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly event: CloudEvent;
}

/** A status to answer with, or `never` to leave the request without an answer. */
export type WebhookResponse = number | 'never';

/** A webhook receiver on 127.0.0.1. */
export interface WebhookReceiver extends LocalServer {
  readonly url: string;
  /** What it answers, by path; 204 for other paths. A status of 300 to 399 redirects to `/redirected`. */
  readonly answers: Map<string, WebhookResponse>;
  /** All messages, also refused ones, in the order of their arrival. */
  readonly received: readonly ReceivedMessage[];
  /** Accepted messages of a path; `/` if absent. */
  accepted(path?: string): CloudEvent[];
}

/** Whether the signature of a message is right, as a receiver checks it. */
export function isSigned({ headers, body }: ReceivedMessage): boolean {
  const { 'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': signature } = headers;
  const key = Buffer.from(WEBHOOK_SECRET.slice('whsec_'.length), 'base64');
  const wanted = createHmac('sha256', key).update(`${id}.${at}.${body}`).digest('base64');
  return signature === `v1,${wanted}`;
}

/** Starts a receiver. */
export async function startWebhookReceiver(): Promise<WebhookReceiver> {
  const answers = new Map<string, WebhookResponse>();
  const received: ReceivedMessage[] = [];
  const accepted: ReceivedMessage[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => (body += text));
    request.on('end', () => {
      const path = request.url ?? '';
      const message = { path, headers: request.headers, body, event: JSON.parse(body) as CloudEvent };
      received.push(message);
      const answer = answers.get(path) ?? 204;
      if (answer === 'never') return;
      if (answer < 300) accepted.push(message);
      response.writeHead(answer, { location: '/redirected' }).end();
    });
  });
  const listening = await listenLocally(server);
  return {
    ...listening,
    url: `http://127.0.0.1:${listening.port}/`,
    answers,
    received,
    accepted: (path = '/') => accepted.filter((message) => message.path === path).map(({ event }) => event),
  };
}
