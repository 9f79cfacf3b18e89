// Runs in a network namespace whose only DNS server never answers. Prints as JSON the results of connections to names that need
// this server, and of one to a name that does not. Imports built code, because Node runs this file without vitest.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { createRedemptionClient } from '../../dist/client/https-redemption-client.js';

const { attempts } = JSON.parse(process.argv[2]);

const dns = createSocket('udp4').bind(53, '127.0.0.1');
const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
await Promise.all([once(dns, 'listening'), once(server, 'listening')]);

const stopping = new AbortController();
const options = { clock: Date.now, lookupWait: stopping.signal };
const client = createRedemptionClient({ ...options, timeoutMs: 100 });
const clientWithLongTimeout = createRedemptionClient({ ...options, timeoutMs: 60_000 });
const failureAt = (host, one = client) =>
  one
    .check({ url: `https://${host}/`, code: 'a-code', ca: undefined })
    .catch(({ code, message }) => `${code}: ${message}`);
async function unfinished() {
  // A look-up counts until its callback has returned.
  await setImmediate();
  return process.getActiveResourcesInfo().filter((resource) => resource === 'GetAddrInfoReqWrap').length;
}

const aborted = await failureAt('slow.example.test');
const unfinishedAfter = await unfinished();
const pending = Array.from({ length: attempts }, (_, number) => failureAt(`slow-${number}.example.test`));
const other = await failureAt(`localhost:${server.address().port}`, clientWithLongTimeout);
const unfinishedBeside = await unfinished();
stopping.abort();
await Promise.all(pending);
const unfinishedAtStop = await unfinished();
const report = { aborted, unfinishedAfter, other, unfinishedBeside, unfinishedAtStop };
process.stdout.write(JSON.stringify(report), () => process.exit());
