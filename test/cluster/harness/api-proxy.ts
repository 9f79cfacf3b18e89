import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, request as plainRequest, type ServerResponse } from 'node:http';
import { Agent, request as tlsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { kubeconfigThrough, serverOf } from './kubeconfig.js';

/** A request that came through the proxy. */
export interface ProxiedRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  /** Status of the API server's answer; undefined before it arrives. */
  readonly status?: number | undefined;
}

/**
 * What the proxy does with a request:
 * - `pass`: forwards it.
 * - `drop`: breaks its connection without forwarding it.
 * - `cut`: forwards it, and breaks its connection after the server has answered, before the first byte of the answer.
 * - `silent`: answers with the head of a 200 response and nothing else, without forwarding it; the connection stays open.
 * - `cutAfterBytes`: forwards it, and breaks its connection after so many bytes of the body of the answer, or at its end.
 * - `status`: answers in place of the server.
 */
export type Fate =
  | 'pass'
  | 'drop'
  | 'cut'
  | 'silent'
  | { readonly cutAfterBytes: number }
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string };

/** A proxy in front of an API server. It records requests, and breaks those that `decide` selects. */
export interface ApiProxy {
  /** Path of a copy of the kubeconfig that connects through the proxy, until the proxy is closed. */
  readonly kubeconfig: string;
  /** Every request so far, oldest first. */
  readonly requests: readonly ProxiedRequest[];
  /** Sets the function that decides about each later request. Before the first call all requests pass. */
  decide(fate: (request: ProxiedRequest) => Fate): void;
  /** Breaks the connections of the unfinished requests that `which` selects. */
  breakOff(which: (request: ProxiedRequest) => boolean): void;
  close(): Promise<void>;
}

type AnsweredRequest = { -readonly [field in keyof ProxiedRequest]: ProxiedRequest[field] };

/**
 * Starts a proxy on 127.0.0.1 in front of the server of a kubeconfig, which must contain a token. The proxy adds no credentials.
 */
export async function startApiProxy(kubeconfig: string): Promise<ApiProxy> {
  const { server, ca } = serverOf(kubeconfig);
  const target = new URL(server);
  const agent = new Agent({ ca, keepAlive: true });
  const requests: AnsweredRequest[] = [];
  const underWay = new Map<ServerResponse, ProxiedRequest>();
  let decideFate: (request: ProxiedRequest) => Fate = () => 'pass';

  const forward = (
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    request: AnsweredRequest,
    fate: Fate,
  ): void => {
    const open = target.protocol === 'http:' ? plainRequest : tlsRequest;
    const passed = open(new URL(incoming.url ?? '/', target), {
      method: incoming.method,
      headers: { ...incoming.headers, host: target.host },
      ...(target.protocol === 'https:' && { agent }),
    });
    passed.on('error', () => outgoing.destroy());
    outgoing.on('close', () => passed.destroy());
    passed.once('response', (answer) => {
      request.status = answer.statusCode;
      answer.on('error', () => outgoing.destroy());
      if (fate === 'cut') {
        answer.resume().once('end', () => outgoing.destroy());
        return;
      }
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      outgoing.flushHeaders();
      if (typeof fate === 'object' && 'cutAfterBytes' in fate) {
        cutAfter(answer, outgoing, fate.cutAfterBytes);
        return;
      }
      answer.pipe(outgoing);
    });
    incoming.pipe(passed);
  };

  const proxy = createServer((incoming, outgoing) => {
    const request: AnsweredRequest = { method: incoming.method ?? '', path: incoming.url ?? '' };
    requests.push(request);
    underWay.set(outgoing, request);
    outgoing.once('close', () => underWay.delete(outgoing));
    const fate = decideFate(request);
    if (fate === 'drop') {
      incoming.destroy();
    } else if (fate === 'silent') {
      incoming.resume();
      outgoing.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
    } else if (typeof fate === 'object' && 'status' in fate) {
      incoming.resume();
      outgoing.writeHead(fate.status, { 'content-type': 'application/json', ...fate.headers });
      outgoing.end(fate.body ?? '{}');
    } else {
      forward(incoming, outgoing, request, fate);
    }
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  const directory = mkdtempSync(join(tmpdir(), 'linkgrant-proxy-'));
  const proxiedKubeconfig = join(directory, 'kubeconfig');
  writeFileSync(proxiedKubeconfig, kubeconfigThrough(kubeconfig, url), { mode: 0o600 });
  return {
    kubeconfig: proxiedKubeconfig,
    requests,
    decide(fate) {
      decideFate = fate;
    },
    breakOff(which) {
      for (const [outgoing, request] of underWay) if (which(request)) outgoing.destroy();
    },
    async close() {
      const closed = once(proxy, 'close');
      proxy.close();
      proxy.closeAllConnections();
      agent.destroy();
      await closed;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function cutAfter(answer: IncomingMessage, outgoing: ServerResponse, bytes: number): void {
  let left = bytes;
  answer.once('end', () => outgoing.destroy());
  answer.on('data', (chunk: Buffer) => {
    if (chunk.length < left) {
      left -= chunk.length;
      outgoing.write(chunk);
      return;
    }
    answer.removeAllListeners('data');
    outgoing.write(chunk.subarray(0, left), () => outgoing.destroy());
  });
}
