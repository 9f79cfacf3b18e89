import { formatEndpoint } from '../../domain/host-port-text.js';
import type { Administration } from '../../redemption/administration/administration.js';
import type { GrantReport } from '../../redemption/administration/reports/grant-report.js';
import type { IssuedToken } from '../../redemption/administration/reports/token-report.js';
import { drawQrCode } from '../terminal/qr-code.js';
import { writeStderr, writeStderrLines } from '../terminal/write-out.js';
import { requireWritable, writeSecretOutput } from './secret-output.js';
import { secrecyLines } from './token-fingerprints.js';
import {
  limitsOf,
  nextStep,
  requireJoinLine,
  type TokenDelivery,
  tokenText,
  type WritableToken,
} from './token-forms.js';

/**
 * Writes a token with the code of a grant, and reports on standard error its limits and the next step on the other site. A dry
 * run writes no token. Rejects with AdministrationError if the service would refuse the token.
 */
export async function writeToken(
  { uid: grantUid, code, policy }: Pick<GrantReport, 'uid' | 'policy'> & { readonly code: string },
  delivery: TokenDelivery,
  { name, linkCost }: { readonly name?: string | undefined; readonly linkCost?: number | undefined },
  administration: Administration,
): Promise<IssuedToken> {
  const issued = await administration.issueToken({ grantUid, code, name, linkCost });
  const { target, form, dryRun } = delivery;
  if (dryRun) requireWritable(target, 'AccessToken');
  else await writeSecretOutput(target, tokenText(form, issued), 'AccessToken');
  writeStderrLines([
    ...(target === '-' || dryRun ? [] : [`Token written to ${target}`]),
    `Redeem at ${issued.token.spec.url}`,
    `Links to ${issued.endpoints.map(formatEndpoint).join(', ')}`,
    `Can be redeemed ${limitsOf(issued)}`,
    ...secrecyLines(issued.token.spec),
  ]);
  // A rule for subjects permits the default subject of a site only by chance.
  const needsSubject = issued.redemptionsAllowed > 1 || policy?.['linkgrant/subjects'] !== undefined;
  if (!dryRun) await writeNextStep(delivery, issued, needsSubject);
  return issued;
}

/**
 * Reports the next step on the other site, `needsSubject` as in {@link nextStep}; before that, draws the QR code of the token if the
 * delivery has one.
 */
export async function writeNextStep(
  delivery: TokenDelivery,
  token: WritableToken,
  needsSubject: boolean,
): Promise<void> {
  if (delivery.qr) await drawQrCode(requireJoinLine(token));
  writeStderr(nextStep(delivery, needsSubject), { isForOtherSite: true });
}
