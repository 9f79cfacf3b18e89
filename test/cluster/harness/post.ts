import { request } from 'node:https';
import type { Stored } from '../../../src/platforms/kubernetes/api/resource.js';
import type { AccessGrantResource } from '../../../src/platforms/kubernetes/grants/access-grant-resource.js';
import type { Serving } from '../../support/command-line.js';

/** What the service answered to a posted code. */
export interface Posted {
  readonly status: number;
  readonly body: string;
  readonly retryAfter: string | undefined;
}

/** Posts the code of a grant to a service, as Skupper's client does. `more` are additional headers. */
export async function post(
  serving: Serving,
  { metadata, status = {} }: Stored<AccessGrantResource>,
  subject = 'a-site',
  more: Readonly<Record<string, string>> = {},
): Promise<Posted> {
  // The address of this one replica; the grant's URL is that of all replicas.
  const url = new URL(`https://127.0.0.1:${serving.port}/${metadata.uid}`);
  const headers = { name: 'a-link', subject, ...more };
  return new Promise((resolve, reject) => {
    const sent = request(
      url,
      { method: 'POST', rejectUnauthorized: false, headers, agent: false },
      (answer) => {
        let body = '';
        answer.setEncoding('utf8').on('data', (text: string) => {
          body += text;
        });
        answer.once('error', reject);
        answer.once('end', () =>
          resolve({ status: answer.statusCode ?? 0, body, retryAfter: answer.headers['retry-after'] }),
        );
      },
    );
    sent.once('error', reject);
    sent.end(status.code);
  });
}
