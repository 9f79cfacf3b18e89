import { RedemptionError } from '../domain/redemption-error.js';
import { redemptionIdIn } from '../pki/certificate-info.js';
import type { ReceivedLink } from '../redemption/ports/redemption-client.js';
import type { RenewalContext } from '../redemption/ports/renewal-client.js';
import { readAnswer } from './answer-reader.js';

/** See {@link RenewalReader}. */
export function readRenewal(
  text: string,
  { redemptionId, privateKeyPem, now }: RenewalContext,
): ReceivedLink {
  const received = readAnswer(text, { isStored: false, requiresOwnKey: true, privateKeyPem, now });
  if (redemptionIdIn(received.secret.tlsCrt) !== redemptionId) {
    throw unfit('its certificate is of another redemption');
  }
  return received;
}

function unfit(reason: string): RedemptionError {
  return new RedemptionError('answer_invalid', `The answer to the renewal cannot be used: ${reason}.`);
}
