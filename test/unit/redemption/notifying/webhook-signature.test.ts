import { describe, expect, it } from 'vitest';
import {
  parseWebhookSecrets,
  webhookHeaders,
} from '../../../../src/redemption/notifying/webhook-signature.js';

// The example of the Standard Webhooks specification and its libraries.
const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const ID = 'msg_p5jXN8AQM9LWM0D4loKWxJek';
const BODY = '{"test": 2432232314}';
const SIGNATURE = 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=';

describe('the signature of a webhook', () => {
  it('is that of the Standard Webhooks specification', () => {
    expect(webhookHeaders(parseWebhookSecrets(SECRET) ?? [], ID, 1_614_265_330_999, BODY)).toEqual({
      'webhook-id': ID,
      'webhook-timestamp': '1614265330',
      'webhook-signature': SIGNATURE,
    });
  });

  it('has one part for each secret, so that a secret can be replaced', () => {
    const other = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
    const keys = parseWebhookSecrets(`${other}\n${SECRET}\n`) ?? [];
    const [first, second] = webhookHeaders(keys, ID, 1_614_265_330_000, BODY)['webhook-signature'].split(' ');
    expect(first).toMatch(/^v1,/);
    expect(first).not.toBe(SIGNATURE);
    expect(second).toBe(SIGNATURE);
  });

  it.each([
    '',
    'whsec_',
    SECRET.slice('whsec_'.length),
    `${SECRET} x`,
    'whsec_c2hvcnQ=',
    `whsec_${'A'.repeat(88)}`,
  ])('needs a valid secret, not %j', (text) => expect(parseWebhookSecrets(text)).toBeUndefined());
});
