import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';

const MAX_BYTES = 1024 * 1024;

/** Sends a GET and resolves with the whole response of at most 1 MiB. Redirects are not followed. */
export type IdentityFetch = (url: string, signal: AbortSignal) => Promise<Response>;

/** Fetches a document of an OIDC provider. Trusts only `ca` if present, else the system's CAs. */
export function identityFetch(ca: string | undefined): IdentityFetch {
  return (url, signal) =>
    new Promise((resolve, reject) => {
      const send = url.startsWith('https:') ? httpsRequest : httpRequest;
      const sent = send(url, {
        ...{ agent: false, signal, headers: { accept: 'application/json' } },
        ...(ca !== undefined && { ca }),
      });
      sent.once('error', reject);
      sent.once('response', (answer) => {
        const pieces: Buffer[] = [];
        let length = 0;
        answer.on('data', (piece: Buffer) => {
          length += piece.length;
          if (length > MAX_BYTES) sent.destroy(new Error('the answer is longer than 1 MiB'));
          else pieces.push(piece);
        });
        answer.once('error', reject);
        answer.once('end', () =>
          resolve(new Response(Buffer.concat(pieces), { status: answer.statusCode ?? 0 })),
        );
      });
      sent.end();
    });
}
