import { X509Certificate } from 'node:crypto';
import type { RenewalReport } from '../../redemption/administration/redemption-report.js';
import { withAdministration } from '../terminal/administration-session.js';
import { formatLabels } from '../terminal/label-flags.js';
import { fields, formatFingerprint, formatTime, print } from '../terminal/output.js';
import type { OutputFormat } from '../terminal/output-format.js';
import { connectedWord } from './redemption.js';

/** The first certificate of a PEM text as indented lines. */
function certificateText(pem: string): string {
  const {
    subject,
    issuer,
    validFrom,
    validTo,
    publicKey,
    subjectAltName,
    serialNumber,
    fingerprint,
    fingerprint256,
  } = new X509Certificate(pem);
  const { namedCurve, modulusLength } = publicKey.asymmetricKeyDetails ?? {};
  const key = [publicKey.asymmetricKeyType, namedCurve, modulusLength].filter((part) => part !== undefined);
  // Node writes one line for each part of a name.
  const name = (text: string | undefined) => (text ?? '').replaceAll('\n', ', ');
  return fields([
    ['  Subject', name(subject)],
    ['  Issuer', name(issuer)],
    ['  Valid from', formatTime(Date.parse(validFrom))],
    ['  Valid to', formatTime(Date.parse(validTo))],
    ['  Key', key.join(' ')],
    ['  Alternative names', subjectAltName ?? '-'],
    ['  Serial', serialNumber.toLowerCase()],
    ['  SHA-256', fingerprint256],
    ['  SHA-1', fingerprint],
  ]);
}

/**
 * `redemption show`: prints a redemption, its certificate, its renewals, and what its link can still do. Rejects with
 * AdministrationError if the id is unknown.
 */
export async function showCommand(
  id: string,
  { output, ...flags }: { readonly output?: OutputFormat; readonly [setting: string]: unknown },
): Promise<void> {
  await withAdministration(flags, async ({ administration, connections }) => {
    await connections?.observe();
    const shown = await administration.showRedemption(id);
    const { renewals = [] } = shown;
    const newest = renewals.at(-1);
    await print(output, shown, () =>
      [
        fields([
          ['ID', shown.id],
          ['Grant', shown.grant === undefined ? shown.grantUid : `${shown.grant} (${shown.grantUid})`],
          ['Token', shown.jti],
          ['Time', shown.createdAt],
          ['Name', shown.name],
          ['Subject', shown.subject],
          ['From', shown.peer],
          ['Key', shown.mode === 'csr' ? 'made by the requesting site' : 'made by the service'],
          ['Key SHA-256', formatFingerprint(shown.keySha256)],
          ['Revoked', shown.revokedAt],
          ['Connected', connectedWord(shown.connected)],
          ['Renewed', newest && renewedText(newest)],
          ['Labels', formatLabels(shown.labels)],
          ['Note', shown.note],
          ['Remaining', shown.remaining],
        ]),
        'Certificate:\n',
        certificateText(shown.certificate),
        ...renewals.flatMap((renewal) => [
          `Renewal ${renewal.number}, ${renewal.renewedAt} from ${renewal.peer}:\n`,
          certificateText(renewal.certificate),
        ]),
      ].join(''),
    );
  });
}

function renewedText({ number, renewedAt, peer }: RenewalReport): string {
  return `${number} ${number === 1 ? 'time' : 'times'}, the last one ${renewedAt} from ${peer}`;
}
