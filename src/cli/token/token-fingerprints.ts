import type { RedeemableToken } from '../../domain/access-token.js';
import { describeCertificate } from '../../pki/certificate-info.js';
import { pinnedCa } from '../../redemption/accepting/join-line-of.js';
import { boundKeyOf } from '../../redemption/requesting/redemption-key.js';
import { formatFingerprint, formatTime } from '../terminal/output.js';

/** Reports the CA that the certificate of the service is verified against: the value for JSON, and the fields of the text. */
export function caReport(ca: RedeemableToken['ca']) {
  if (ca === undefined) {
    return { value: { source: 'system' }, fields: [['CA', 'those that Node trusts'] as const] };
  }
  if (typeof ca === 'object') {
    const fingerprint = `${formatFingerprint(ca.pin)}… (the service sends this CA)`;
    return { value: { sha256Prefix: ca.pin }, fields: [['CA SHA-256', fingerprint] as const] };
  }
  const { subject, sha256, notAfter } = describeCertificate(pinnedCa(ca).toString());
  return {
    value: { subject, sha256, notAfter: formatTime(notAfter) },
    fields: [
      ['CA', `${subject}, until ${formatTime(notAfter)}`] as const,
      ['CA SHA-256', formatFingerprint(sha256)] as const,
    ],
  };
}

/** Returns the fingerprint of a key as a line. */
export function keyLine(keySha256: string): string {
  return `Key SHA-256 ${formatFingerprint(keySha256)}`;
}

/** Returns the fingerprints of a token that is bound to a key, for the users of both sites, as lines; none for another token. */
export function bindingLines(token: Pick<RedeemableToken, 'code' | 'ca'>): readonly string[] {
  const keySha256 = boundKeyOf(token);
  if (keySha256 === undefined) return [];
  const [label, fingerprint] = caReport(token.ca).fields.at(-1) ?? [];
  return [
    keyLine(keySha256),
    `${label?.padEnd(11)} ${fingerprint}`,
    'Compare both with the other site. The token is no secret: only the site with this key can redeem it.',
  ];
}

/** Returns {@link bindingLines}, or for another token that it is a secret. */
export function secrecyLines(token: Pick<RedeemableToken, 'code' | 'ca'>): readonly string[] {
  const binding = bindingLines(token);
  return binding.length > 0
    ? binding
    : ['The token is a secret: any site that has it can redeem it. Send it over a channel that you trust'];
}

/** Returns the fingerprints of {@link bindingLines} as members of a report. */
export function bindingReport(token: Pick<RedeemableToken, 'code' | 'ca'>) {
  const keySha256 = boundKeyOf(token);
  return keySha256 === undefined ? {} : { keySha256, ca: caReport(token.ca).value };
}
