/*
 * The requesting side of one renewal. A run stores the new key before it posts the request, and the service returns the same
 * certificate for the same key. So a concurrent run, or a later one after a crash, gets the same certificate. The new pair
 * replaces the old one atomically.
 */

import { signRenewalRequest } from '../../codes/renewal-request.js';
import { SECRET_REDEMPTION_ID, SECRET_RENEWAL_URL, SECRET_SERVER_CA } from '../../domain/labels.js';
import type { LinkSecret } from '../../domain/link.js';
import { RedemptionError } from '../../domain/redemption-error.js';
import { describeCertificate, redemptionIdIn } from '../../pki/certificate-info.js';
import { generateKey, isP256Key, readPrivateKey } from '../../pki/keys.js';
import { createCertificateRequest } from '../../pki/requests.js';
import type { Checkpoint, Clock } from '../ports/clock.js';
import type { LinkFiles } from '../ports/link-files.js';
import type { OpenPendingRenewal } from '../ports/pending-renewal.js';
import type { AnswerReader, ReceivedCertificate, ReceivedLink } from '../ports/redemption-client.js';
import { type RenewalClient, ServerTime } from '../ports/renewal-client.js';
import type { RenewableLink } from './renewable-link.js';

/** Dependencies of {@link renewLink}. */
export interface RenewLinkDependencies {
  readonly client: RenewalClient;
  readonly readAnswer: AnswerReader;
  readonly openRenewal: OpenPendingRenewal;
  readonly links: Pick<LinkFiles, 'findSecret' | 'replaceCredentials'>;
  readonly clock: Clock;
  readonly checkpoint: Checkpoint;
}

/** A link whose Secret has a newer certificate than before. */
export interface RenewedLink {
  readonly redemptionId: string;
  readonly certificate: ReceivedCertificate;
  /** SHA-256 over the DER of the stored certificate, lower-case hex. */
  readonly certificateSha256: string;
}

const MAX_ATTEMPTS = 3;

/**
 * Renews the certificate of the Secret `name`; `link` is the content that the caller read. Safe to repeat and to run
 * concurrently. Rejects with RedemptionError: a refusal of the service, a connection failure (the link is unchanged),
 * `answer_invalid`, `not_writable`.
 */
export async function renewLink(
  name: string,
  link: RenewableLink,
  deps: RenewLinkDependencies,
): Promise<RenewedLink> {
  const pending = await deps.openRenewal(link.redemptionId, link.certificateSha256);
  const makeKey = async () => (await generateKey('p256')).keyPem;
  const newKey = await pending.ensureKey(makeKey, isP256Key);
  await deps.checkpoint('renewal-key-created');
  const finish = async (certificate: ReceivedCertificate, tlsCrt: string) => {
    const certificateSha256 = describeCertificate(tlsCrt).sha256;
    await pending.deleteOtherKeys(certificateSha256);
    await deps.checkpoint('renewal-finished');
    return { redemptionId: link.redemptionId, certificate, certificateSha256 };
  };
  const finishIfRenewedElsewhere = async () => {
    const existing = await deps.links.findSecret(name);
    if (!existing || existing.tlsCrt === link.tlsCrt) return undefined;
    return finish(describeCertificate(existing.tlsCrt), existing.tlsCrt);
  };
  // Another run may have renewed the link and deleted its key after the caller read the Secret. `newKey` is then different, and
  // a request with it would be refused.
  const renewedElsewhere = await finishIfRenewedElsewhere();
  if (renewedElsewhere) return renewedElsewhere;

  let received: ReceivedLink;
  try {
    const text = await postRenewal(link, newKey, deps);
    await deps.checkpoint('renewal-received');
    const context = { isStored: false, requiresOwnKey: true, privateKeyPem: newKey, now: deps.clock() };
    received = deps.readAnswer(text, context);
    if (redemptionIdIn(received.secret.tlsCrt) !== link.redemptionId) {
      throw new RedemptionError(
        'answer_invalid',
        'The answer to the renewal cannot be used: its certificate is of another redemption.',
      );
    }
  } catch (error) {
    const isSuperseded = error instanceof RedemptionError && error.code === 'superseded';
    const renewedElsewhere = isSuperseded ? await finishIfRenewedElsewhere() : undefined;
    if (renewedElsewhere) return renewedElsewhere;
    throw error;
  }
  const location = await deps.links.replaceCredentials(
    name,
    link.tlsCrt,
    renewedSecret(name, newKey, received, link),
  );
  if (location === undefined) {
    const renewedElsewhere = await finishIfRenewedElsewhere();
    if (renewedElsewhere) return renewedElsewhere;
    throw new RedemptionError('not_writable', `Secret "${name}" was removed while it was being renewed.`);
  }
  await deps.checkpoint('renewal-in-place');
  return finish(received.certificate, received.secret.tlsCrt);
}

/**
 * Posts the request until a complete response arrives, in at most three attempts. If the service reports that the local clock is
 * wrong, signs one more request with the time of the service.
 */
async function postRenewal(
  link: RenewableLink,
  newKey: string,
  deps: RenewLinkDependencies,
): Promise<string> {
  const { redemptionId, tlsCrt, keyPem, url, ca, subject } = link;
  const csrDer = createCertificateRequest(readPrivateKey(newKey), subject);
  const privateKey = readPrivateKey(keyPem);
  let serverTime: number | undefined;
  for (let attempt = 1; ; attempt += 1) {
    const now = serverTime ?? deps.clock();
    const unsigned = { certificatePem: tlsCrt, privateKey, redemptionId, csrDer, now };
    const request = await signRenewalRequest(unsigned);
    await deps.checkpoint('before-renewal');
    try {
      return await deps.client.renew({ url, ca, request });
    } catch (error) {
      if (serverTime === undefined && isStale(error)) {
        serverTime = error.cause.ms;
        continue;
      }
      if (!(error instanceof RedemptionError) || error.code !== 'outcome_unknown') throw error;
      if (attempt >= MAX_ATTEMPTS) {
        const message = `${error.message} The link is unchanged, and a repeated request returns the same certificate.`;
        throw new RedemptionError('service_unavailable', message, { cause: error });
      }
    }
  }
}

/** True for a refusal because of the local clock that contains the time of the service. */
function isStale(error: unknown): error is RedemptionError & { readonly cause: ServerTime } {
  const isRefusal = error instanceof RedemptionError && error.code === 'renewal_stale';
  return isRefusal && error.cause instanceof ServerTime;
}

/** The Secret with the new pair. Its renewal URL and CA are those of the response, else those of the old Secret. */
function renewedSecret(
  name: string,
  tlsKey: string,
  { secret }: ReceivedLink,
  { redemptionId, url, ca }: RenewableLink,
): LinkSecret {
  const annotations = {
    [SECRET_REDEMPTION_ID]: redemptionId,
    [SECRET_RENEWAL_URL]: url,
    [SECRET_SERVER_CA]: ca,
    ...secret.annotations,
  };
  return { name, caCrt: secret.caCrt, tlsCrt: secret.tlsCrt, tlsKey, annotations };
}
