import { expect, it } from 'vitest';
import { openReplay, sealForReplay } from '../../../../src/redemption/accepting/stock-replay.js';
import { MINUTE, NOW, sampleGrant, sampleRedemption } from '../../../support/store-samples.js';

const CODE = Buffer.from('abcdefghijklmnopqrstuvwx');
const KEY_PEM = 'a private key, say';
const grant = sampleGrant();
const sample = sampleRedemption(grant.uid);
const stockReplay = { windowMs: MINUTE, bindSource: false };
const sealed = sealForReplay({ id: sample.id, grant, code: CODE, keyPem: KEY_PEM, now: NOW }, stockReplay);
const redemption = { ...sample, ...sealed };

it('opens a sealed private key until its window ends', () => {
  expect(openReplay(redemption, CODE, NOW + MINUTE - 1)).toBe(KEY_PEM);
  expect(openReplay(redemption, CODE, NOW + MINUTE)).toBeUndefined();
});

it('opens no sealed private key with another code, or for another grant or redemption', () => {
  expect(openReplay(redemption, Buffer.from('abcdefghijklmnopqrstuvwy'), NOW)).toBeUndefined();
  expect(openReplay({ ...redemption, grantUid: sampleGrant().uid }, CODE, NOW)).toBeUndefined();
  expect(openReplay({ ...redemption, id: sampleRedemption(grant.uid).id }, CODE, NOW)).toBeUndefined();
});
