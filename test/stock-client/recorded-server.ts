import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A request that the server received. */
export interface SeenRequest {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface RecordedServer {
  /** An AccessToken file for this server, whose code is `some-code`. */
  readonly token: string;
  readonly seen: readonly SeenRequest[];
  close(): Promise<void>;
}

/** An HTTPS server on a free port of 127.0.0.1 that sends these answers in turn, and then repeats the last. */
export async function startRecordedServer(
  answers: readonly { readonly status: number; readonly body: string; readonly location?: string }[],
  tls: { readonly maxVersion?: 'TLSv1.2' } = {},
): Promise<RecordedServer> {
  const directory = mkdtempSync(join(tmpdir(), 'linkgrant-recorded-'));
  const [key, cert] = [join(directory, 'tls.key'), join(directory, 'tls.crt')];
  execFileSync(
    'openssl',
    ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2']
      .concat(['-subj', '/CN=recorded', '-addext', 'subjectAltName=IP:127.0.0.1'])
      .concat(['-keyout', key, '-out', cert]),
    { stdio: 'pipe' },
  );
  const seen: SeenRequest[] = [];
  const server = createServer(
    { key: readFileSync(key), cert: readFileSync(cert), ...tls },
    (request, response) => {
      let body = '';
      request.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk;
      });
      request.on('end', () => {
        const answer = answers[Math.min(seen.length, answers.length - 1)];
        seen.push({ headers: request.headers, body });
        if (answer === undefined) throw new Error('no answer was given');
        response.writeHead(answer.status, answer.location === undefined ? {} : { location: answer.location });
        response.end(answer.body);
      });
    },
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const token = join(directory, 'token.yaml');
  const resource = {
    apiVersion: 'skupper.io/v2alpha1',
    kind: 'AccessToken',
    metadata: { name: 'recorded' },
    spec: { url: `https://127.0.0.1:${port}/some-uid`, code: 'some-code', ca: readFileSync(cert, 'utf8') },
  };
  writeFileSync(token, JSON.stringify(resource));
  return {
    token,
    seen,
    async close() {
      server.closeAllConnections();
      server.close();
      rmSync(directory, { recursive: true });
    },
  };
}
