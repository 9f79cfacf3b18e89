import { hash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, createSecureContext, type SecureContext } from 'node:tls';
import type { createChance } from '../../fuzz/chance.mjs';
import { parseResponse, type WireResponse } from '../../support/wire.js';
import type { SiteOutcome } from './check-round.js';

/** A site: its request, and the certificates that it received for it. */
export interface Site extends SiteOutcome {
  readonly code: string;
  readonly csr: string;
  readonly subject: string;
  readonly certificates: Set<string>;
}

/** What the clients have seen, for the report. */
export interface ClientCounts {
  redeemed: number;
  refused: number;
  /** Responses that clients did not wait for. */
  lost: number;
  /** Connections that ended without a response. */
  broken: number;
  /** Responses with status 503. */
  unavailable: number;
  /** Responses with status 500. */
  failed: number;
  /** Certificates that were requested again. */
  repeated: number;
}

/** A source of repeatable random choices. */
export type Chance = ReturnType<typeof createChance>;

const GIVE_UP_MS = 30_000;
const MAX_ATTEMPTS = 10_000;
const MAX_PAUSE_MS = 200;
const MAX_LOSS_MS = 12;
/** One of so many responses is lost. */
const LOSS = 25;
const EXHAUSTED = new Set(['grant_exhausted', 'code_exhausted']);

/** The clients of all sites. */
export class Clients {
  readonly counts: ClientCounts = {
    redeemed: 0,
    refused: 0,
    lost: 0,
    broken: 0,
    failed: 0,
    unavailable: 0,
    repeated: 0,
  };
  /** Responses that no fault explains. */
  readonly unexpected: string[] = [];
  readonly #secureContext: SecureContext;
  readonly #port: number;
  readonly #chance: Chance;

  constructor({ ca, port, chance }: { readonly ca: string; readonly port: number; readonly chance: Chance }) {
    this.#secureContext = createSecureContext({ ca, minVersion: 'TLSv1.3', ecdhCurve: 'X25519' });
    this.#port = port;
    this.#chance = chance;
  }

  /** Sends the request of a site until it gets a certificate or is refused. */
  async redeem(site: Site): Promise<void> {
    const isFirst = site.certificates.size === 0;
    const response = await this.#responseTo(site);
    const { status, headers, body } = response;
    if (status === 200) {
      site.certificates.add(certificateOf(body));
      this.counts[isFirst ? 'redeemed' : 'repeated'] += 1;
    } else if (status === 404 && isFirst && EXHAUSTED.has(headers['linkgrant-reason'] ?? '')) {
      this.counts.refused += 1;
    } else {
      const had = isFirst ? 'no certificate' : 'a certificate';
      this.unexpected.push(`a site with ${had} got ${status} ${headers['linkgrant-reason']}: ${body.trim()}`);
    }
  }

  /** Sends the request of a site until it gets a response with a status below 500. */
  async #responseTo(site: Site): Promise<WireResponse> {
    const message = messageOf(site);
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      const isLost = this.#chance.below(LOSS) === 0;
      const response = await this.#post(message, isLost);
      if (response && response.status < 500) return response;
      if (response) this.counts[response.status === 503 ? 'unavailable' : 'failed'] += 1;
      else this.counts[isLost ? 'lost' : 'broken'] += 1;
      if (!isLost) await sleep(this.#chance.below(MAX_PAUSE_MS));
    }
    throw new Error(`no certificate and no refusal in ${MAX_ATTEMPTS} attempts`);
  }

  /** Sends a request on a connection of its own. Resolves with undefined without a complete response; so it does if `isLost`. */
  #post(message: string, isLost: boolean): Promise<WireResponse | undefined> {
    return new Promise((resolve) => {
      const received: Buffer[] = [];
      const to = { host: '127.0.0.1', port: this.#port, secureContext: this.#secureContext };
      // OpenSSL verifies the chain. Node's check of the names would take much of the processor time of the clients.
      const socket = connect({ ...to, checkServerIdentity: () => undefined }, () => {
        socket.write(message);
        if (isLost) setTimeout(() => socket.destroy(), this.#chance.below(MAX_LOSS_MS));
      });
      Object.assign(socket, { getPeerCertificate: () => ({}) });
      socket.setTimeout(GIVE_UP_MS, () => socket.destroy());
      socket.on('data', (piece) => received.push(piece));
      // A connection that a killed process breaks is one without a response.
      socket.on('error', () => undefined);
      socket.on('close', () => resolve(isLost ? undefined : completeResponse(Buffer.concat(received))));
    });
  }
}

function messageOf({ grantUid, code, csr, subject }: Site): string {
  const lines = [`POST /${grantUid} HTTP/1.1`, 'host: 127.0.0.1', `content-length: ${code.length}`];
  lines.push(`name: ${subject}`, `subject: ${subject}`, `csr: ${csr}`);
  return `${lines.join('\r\n')}\r\n\r\n${code}`;
}

function completeResponse(bytes: Buffer): WireResponse | undefined {
  if (!bytes.includes('\r\n\r\n')) return undefined;
  const response = parseResponse(bytes);
  return Buffer.byteLength(response.body) === Number(response.headers['content-length'])
    ? response
    : undefined;
}

/** SHA-256 of the certificate in a response, lower-case hex. */
function certificateOf(body: string): string {
  const pem = Buffer.from(/^ +tls\.crt: "?([\w+/=]+)/m.exec(body)?.[1] ?? '', 'base64').toString();
  const der = /-----BEGIN CERTIFICATE-----([\s\w+/=]+)-----END/.exec(pem)?.[1];
  if (der === undefined) throw new Error(`a response without a certificate: ${body.slice(0, 200)}`);
  return hash('sha256', Buffer.from(der, 'base64'), 'hex');
}
