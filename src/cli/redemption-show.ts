import { X509Certificate } from 'node:crypto';
import type { Redemption } from '../domain/redemption.js';
import type { GrantStore } from '../redemption/grant-store.js';
import { CommandError } from './command-error.js';
import { fields, formatFingerprint, formatTime, print } from './output.js';
import type { OutputFormat } from './output-format.js';
import { redemptionReport, renewalReport } from './redemption-report.js';
import { withStore } from './store-session.js';

/** The first certificate of a PEM text as people read it, each line indented. */
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
  // OpenSSL writes one line for each part of a Name.
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

/** The redemption of that id, or an error that says where they are listed. */
export async function requireRedemption(
  store: Pick<GrantStore, 'findRedemption'>,
  id: string,
): Promise<Redemption> {
  const redemption = await store.findRedemption(id);
  if (redemption) return redemption;
  throw new CommandError(`there is no redemption ${id}`, {
    exitCode: 1,
    hint: 'see `linkgrant redemption list`',
  });
}

/**
 * `redemption show`: shows a redemption, its certificate, its renewals, and what its link can still do. Throws a
 * CommandError where there is none of that id.
 */
export async function showCommand(
  id: string,
  flags: { readonly output?: OutputFormat },
  now: number,
): Promise<void> {
  await withStore(flags, async ({ store }) => {
    const redemption = await requireRedemption(store, id);
    const renewals = await store.listRenewals(id);
    const newest = renewals.at(-1);
    const shown = redemptionReport(redemption, newest, now);
    const report = {
      ...shown,
      certificate: redemption.certificate,
      ...(newest && {
        renewals: renewals.map((renewal) => ({
          ...renewalReport(renewal),
          certificate: renewal.certificate,
        })),
      }),
    };
    await print(flags.output, report, () =>
      [
        fields([
          ['ID', shown.id],
          ['Grant', shown.grantUid],
          ['Token', shown.jti],
          ['Time', shown.createdAt],
          ['Name', shown.name],
          ['Subject', shown.subject],
          ['From', shown.peer],
          ['Key', shown.mode === 'csr' ? 'made by the requesting site' : 'made by the service'],
          ['Key SHA-256', formatFingerprint(shown.keySha256)],
          ['Revoked', shown.revokedAt],
          [
            'Renewed',
            newest &&
              `${newest.number} ${newest.number === 1 ? 'time' : 'times'}, the last one ${formatTime(newest.renewedAt)} from ${newest.peer}`,
          ],
          ['Remaining', shown.remaining],
        ]),
        'Certificate:\n',
        certificateText(redemption.certificate),
        ...renewals.flatMap((renewal) => [
          `Renewal ${renewal.number}, ${formatTime(renewal.renewedAt)} from ${renewal.peer}:\n`,
          certificateText(renewal.certificate),
        ]),
      ].join(''),
    );
  });
}
