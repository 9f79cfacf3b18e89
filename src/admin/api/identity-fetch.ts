import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';

const MAX_BYTES = 1024 * 1024;

/** A request to an OIDC provider; GET without a body by default. */
export interface IdentityRequest {
  readonly signal: AbortSignal;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The fields of a form. */
  readonly body?: URLSearchParams;
}

/** Sends a request and resolves with the whole response of at most 1 MiB. Redirects are not followed. */
export type IdentityFetch = (url: string, request: IdentityRequest) => Promise<Response>;

/** Sends requests to an OIDC provider. Trusts only `ca` if present, else the CAs that Node trusts. */
export function identityFetch(ca: string | undefined): IdentityFetch {
  return (url, { signal, method = 'GET', headers, body }) =>
    new Promise((resolve, reject) => {
      const send = url.startsWith('https:') ? httpsRequest : httpRequest;
      const sent = send(url, {
        agent: false,
        signal,
        method,
        headers: { accept: 'application/json', ...headers },
        ...(ca !== undefined && { ca }),
      });
      sent.once('error', reject);
      sent.once('response', (answer) => {
        const chunks: Buffer[] = [];
        let length = 0;
        answer.on('data', (chunk: Buffer) => {
          length += chunk.length;
          if (length > MAX_BYTES) sent.destroy(new Error('the answer is longer than 1 MiB'));
          else chunks.push(chunk);
        });
        answer.once('error', reject);
        answer.once('end', () => {
          const { statusCode: status = 0, headers: received } = answer;
          try {
            const content = length > 0 ? Buffer.concat(chunks) : null;
            resolve(
              new Response(content, { status, headers: { 'content-type': received['content-type'] ?? '' } }),
            );
          } catch (error) {
            // A status such as 999, or 204 with a body.
            reject(error);
          }
        });
      });
      sent.end(body?.toString());
    });
}
