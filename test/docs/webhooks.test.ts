import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, expect, it } from 'vitest';
import { parseWebhookSecrets, webhookHeaders } from '../../src/redemption/notifying/webhook-signature.js';
import { WEBHOOK_SECRET } from '../support/servers/webhook-receiver.js';
import { until } from '../support/until.js';
import { readProjectFile } from './document.js';

const [, example = ''] = /```js\n([\s\S]*?)```/.exec(readProjectFile('docs/how-to/webhooks.md')) ?? [];
const reportPort = ".listen(0, '127.0.0.1', function () { console.log(this.address().port); })";
const child = spawn(
  process.execPath,
  ['--input-type=module', '-e', example.replace('.listen(8080)', reportPort)],
  { env: { WEBHOOK_SECRET }, stdio: ['ignore', 'pipe', 'inherit'] },
);
afterAll(async () => {
  if (child.kill()) await once(child, 'exit');
});

it('the receiver in docs/how-to/webhooks.md processes a signed event once, and refuses changed and old messages', async () => {
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  await until(() => output.includes('\n'));
  const port = Number.parseInt(output, 10);
  const keys = parseWebhookSecrets(WEBHOOK_SECRET) ?? [];
  const send = async (body: string, now = Date.now(), sent = body) => {
    const headers = webhookHeaders(keys, 'event-1', now, body);
    return (await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', headers, body: sent })).status;
  };
  const body = JSON.stringify({ type: 'dev.linkgrant.link.redeemed' });
  expect(await send(body, Date.now(), `${body} `)).toBe(401);
  expect(await send(body, Date.now() - 600_000)).toBe(401);
  expect([await send(body), await send(body)]).toEqual([204, 204]);
  await until(() => output.includes('link.redeemed'));
  expect(output.match(/link\.redeemed/g)).toHaveLength(1);
});
