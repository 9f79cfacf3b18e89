import { createHmac } from 'node:crypto';

const SECRET = /^whsec_([A-Za-z0-9+/]+={0,2})$/;

/** Returns the keys in secrets separated by white space, each `whsec_` and 24 to 64 bytes in base64; undefined for other text. */
export function parseWebhookSecrets(text: string): readonly Uint8Array[] | undefined {
  const keys = text
    .trim()
    .split(/\s+/)
    .map((secret) => Buffer.from(SECRET.exec(secret)?.[1] ?? '', 'base64'));
  return keys.every(({ length }) => length >= 24 && length <= 64) ? keys : undefined;
}

/**
 * Returns the headers of a message by the Standard Webhooks specification, with one signature (HMAC-SHA256 of id, time and body)
 * for each key. `now` is in milliseconds since the epoch.
 */
export function webhookHeaders(keys: readonly Uint8Array[], id: string, now: number, body: string) {
  const timestamp = String(Math.floor(now / 1000));
  const signatures = keys.map((key) =>
    createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64'),
  );
  return {
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': signatures.map((signature) => `v1,${signature}`).join(' '),
  };
}
