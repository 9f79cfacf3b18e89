import { createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { CloudEvent } from '../../../src/redemption/notifying/cloud-event.js';
import { type LocalServer, listenLocally } from './local-server.js';

/** The secret of the receiver, in the form of a secret file of linkgrant. */
export const WEBHOOK_SECRET = `whsec_${Buffer.from('a secret of thirty-two bytes....').toString('base64')}`;

/** A message that arrived at the receiver. */
export interface ReceivedMessage {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly event: CloudEvent;
}

/** The status of a response, or `never` to send no response. */
export type WebhookResponse = number | 'never';

/** A webhook receiver on 127.0.0.1. */
export interface WebhookReceiver extends LocalServer {
  readonly url: string;
  /** The responses by path; 204 for other paths. A status of 300 to 399 redirects to `/redirected`. */
  readonly responses: Map<string, WebhookResponse>;
  /** All messages, also refused ones, in the order of their arrival. */
  readonly received: readonly ReceivedMessage[];
  /** The events of a path that got a status below 300; `/` if absent. */
  accepted(path?: string): CloudEvent[];
}

/** True if the signature of a message is valid. Checks it as a receiver does. */
export function hasValidSignature({ headers, body }: ReceivedMessage): boolean {
  const { 'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': signature } = headers;
  const key = Buffer.from(WEBHOOK_SECRET.slice('whsec_'.length), 'base64');
  const expected = createHmac('sha256', key).update(`${id}.${at}.${body}`).digest('base64');
  return signature === `v1,${expected}`;
}

/** Starts a receiver. */
export async function startWebhookReceiver(): Promise<WebhookReceiver> {
  const responses = new Map<string, WebhookResponse>();
  const received: ReceivedMessage[] = [];
  const accepted: ReceivedMessage[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => (body += text));
    request.on('end', () => {
      const path = request.url ?? '';
      const message = { path, headers: request.headers, body, event: JSON.parse(body) as CloudEvent };
      received.push(message);
      const status = responses.get(path) ?? 204;
      if (status === 'never') return;
      if (status < 300) accepted.push(message);
      response.writeHead(status, { location: '/redirected' }).end();
    });
  });
  const listening = await listenLocally(server);
  return {
    ...listening,
    url: `http://127.0.0.1:${listening.port}/`,
    responses,
    received,
    accepted: (path = '/') => accepted.filter((message) => message.path === path).map(({ event }) => event),
  };
}
