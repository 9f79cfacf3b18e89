import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { expect, it } from 'vitest';
import { issueToken } from '../support/accepting-site.js';
import { ENDPOINT, json, linkgrant, Workplace } from '../support/command-line.js';
import { freePorts } from '../support/free-port.js';
import { csrHeader, redeemedAnswer } from '../support/redeemed-answer.js';
import { releaseAfterFile, releaseAfterTest } from '../support/release.js';
import { until } from '../support/until.js';
import { post } from '../support/wire.js';

const CLIENTS = 500;
const AT_ONCE = 50;

const place = releaseAfterFile(new Workplace());

/** Starts HAProxy in front of a service; returns its ports for version 1 and version 2 of the PROXY protocol. */
async function startHaproxy(servicePort: number): Promise<readonly number[]> {
  const ports = await freePorts(2);
  const listeners = ['send-proxy', 'send-proxy-v2'].map(
    (version, at) => `
listen ${version}
  bind 127.0.0.1:${ports[at]}
  server linkgrant 127.0.0.1:${servicePort} ${version} check inter 100ms
`,
  );
  const file = place.path(`haproxy-${servicePort}.cfg`);
  const timeouts = 'timeout connect 5s\n  timeout client 30s\n  timeout server 30s';
  writeFileSync(file, `defaults\n  mode tcp\n  ${timeouts}\n${listeners.join('')}`);
  const child = spawn('haproxy', ['-db', '-f', file], { stdio: 'inherit' });
  const ended = once(child, 'exit');
  releaseAfterTest({
    async stop() {
      child.kill('SIGTERM');
      await ended;
    },
  });
  for (const port of ports) await until(() => canConnect(port));
  return ports;
}

async function canConnect(port: number): Promise<boolean> {
  const socket = connect({ host: '127.0.0.1', port });
  const isOpen = await once(socket, 'connect').then(
    () => true,
    () => false,
  );
  socket.destroy();
  return isOpen;
}

it.each([
  ['a service in one process', []],
  ['a service with two workers', ['--workers', '2']],
])(
  'behind HAProxy, %s applies the source rule of a grant to 500 clients with versions 1 and 2 of the PROXY protocol, and records their addresses',
  async (what, flags) => {
    const dataDir = place.path(what);
    const service = await place.serve([
      ...['--data-dir', dataDir, ...ENDPOINT],
      ...['--trusted-proxy', '127.0.0.1', '--proxy-protocol', ...flags],
    ]);
    const ports = await startHaproxy(service.port);
    const rules = ['--source-cidrs', '127.10.0.0/16', '--redemptions-allowed', String(CLIENTS)];
    const { url, ca, code } = await issueToken(dataDir, ...rules);

    const permitted: string[] = [];
    const redeem = async (at: number) => {
      const isPermitted = at % 4 < 2;
      const from = `127.${isPermitted ? 10 : 11}.${Math.floor(at / 200)}.${1 + (at % 200)}`;
      if (isPermitted) permitted.push(from);
      const target = { port: ports[at % 2] as number, ca };
      const answer = await post(target, new URL(url).pathname, code, { from, headers: csrHeader() });
      if (isPermitted) redeemedAnswer(answer);
      else expect([answer.status, answer.headers['linkgrant-reason']]).toEqual([403, 'policy_source']);
    };
    for (let sent = 0; sent < CLIENTS; sent += AT_ONCE)
      await Promise.all(Array.from({ length: AT_ONCE }, (_, at) => redeem(sent + at)));

    const listed = json(await linkgrant(['redemption', 'list', '-o', 'json', '--data-dir', dataDir]));
    const peers = listed.map(({ peer }: { readonly peer: string }) => peer);
    expect(peers.sort()).toEqual(permitted.sort());
    expect(service.said.stderr).not.toContain('proxy_header_refused');
  },
  300_000,
);
