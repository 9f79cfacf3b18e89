import type { RedeemableToken } from '../../domain/access-token.js';
import { isShortLived } from '../../domain/issued-certificate.js';
import { SECRET_RENEWAL_URL } from '../../domain/labels.js';
import { describeCertificate } from '../../pki/certificate-info.js';
import type { MaterializedLink } from '../../redemption/requesting/materialize-link.js';
import { renewableLink } from '../../redemption/requesting/renewable-link.js';
import { parseWindow } from '../flags/flag-values.js';
import type { LinkTarget } from '../link/link-target.js';
import { reloadText, requireReload, settleReload } from '../link/settle-reload.js';
import { formatTime, print } from '../terminal/output.js';
import { writeStderr } from '../terminal/write-out.js';
import { keyOriginText } from './redeem-input.js';
import { bindingLines, bindingReport } from './token-fingerprints.js';
import { type WrittenLinkFlags, waitForLinks } from './wait-for-links.js';

/** The written link of a token, or of an answer file, which has no token. */
type WrittenLink = MaterializedLink & { readonly token?: RedeemableToken };

/** Returns what was written, and how long the certificate is valid. */
export function writtenText(redeemed: WrittenLink, target: LinkTarget, renews: boolean | undefined): string {
  const { written, changed, alreadyRedeemed } = redeemed;
  const isInPlace = (path: string) => alreadyRedeemed && !changed.includes(path);
  return [
    ...written.map((path) => `${isInPlace(path) ? 'In place' : 'Written'} ${path}\n`),
    alreadyRedeemed ? repeatedText(redeemed) : '',
    originText(redeemed),
    validityText(redeemed, target, renews),
  ].join('');
}

function repeatedText({ token }: WrittenLink): string {
  return token
    ? 'The token was already redeemed: this is the same link, and no use was spent.\n'
    : 'The answer was already accepted: this is the same link.\n';
}

/** Returns what the user has to know about the key and the CA of a link. */
function originText(redeemed: WrittenLink): string {
  const { token } = redeemed;
  if (!token) return '';
  return [...bindingLines(token).map((line) => `${line}\n`), keyOriginText(redeemed)].join('');
}

/** Returns how long the certificate is valid, and what renews it. */
function validityText({ certificate, secret }: WrittenLink, target: LinkTarget, renews = false): string {
  const valid = `The certificate of "${certificate.subject}" is valid until ${formatTime(certificate.notAfter)}`;
  const link = renewableLink(secret);
  if ('problem' in link) return `${valid}; it cannot be renewed: ${link.problem}.\n`;
  // A link that was redeemed without --renew has a long-lived certificate, even if a repeated command has --renew.
  if (!renews || !isRenewing(secret)) return `${valid}; only \`linkgrant link renew\` renews it.\n`;
  return `${valid}. ${target.renewalHint}\n`;
}

/** True if the certificate is one that is renewed, so that it is short-lived. */
export function isRenewing({ tlsCrt }: MaterializedLink['secret']): boolean {
  return isShortLived(describeCertificate(tlsCrt));
}

/** Returns the report of a written link in JSON. */
export function reportOf(redeemed: WrittenLink) {
  const { certificate, redemptionId, alreadyRedeemed, source } = redeemed;
  return {
    links: redeemed.links.map((link) => link.name),
    secret: redeemed.secret.name,
    files: redeemed.written,
    subject: certificate.subject,
    serial: certificate.serial,
    notAfter: formatTime(certificate.notAfter),
    source,
    keyGeneratedBy: source === 'stock' ? 'server' : 'site',
    alreadyRedeemed,
    ...(redemptionId !== undefined && { redemptionId }),
    ...(redeemed.token && bindingReport(redeemed.token)),
  };
}

/**
 * Reloads the router of a written link, prints what was written, and in a cluster waits for the link. Rejects with a CommandError if the
 * router was not reloaded. `isFile` if the source is a file.
 */
export async function finishLink(
  redeemed: WrittenLink,
  target: LinkTarget,
  flags: WrittenLinkFlags & { readonly renew?: boolean },
  isFile: boolean,
): Promise<void> {
  const reload = await settleReload(target);
  if (target.kind === 'stream') {
    writeStderr(originText(redeemed) + validityText(redeemed, target, flags.renew));
  } else {
    const value = { ...reportOf(redeemed), ...(target.location && { reload: reload.outcome }) };
    const isToApply = target.kind === 'directory' && target.reloadCommand === undefined;
    await print(flags.output, value, () =>
      [
        writtenText(redeemed, target, flags.renew),
        reloadText(reload),
        isToApply
          ? `Apply both where the router runs, for example with kubectl apply -f ${target.directory}.${isFile ? ' ' : '\n'}`
          : '',
        isFile ? `The ${redeemed.token ? 'token' : 'answer'} file can be deleted.\n` : '',
      ].join(''),
    );
  }
  if (!redeemed.token && redeemed.secret.annotations?.[SECRET_RENEWAL_URL] === undefined) {
    writeStderr('Before it expires, make another request: linkgrant link request\n');
  }
  requireReload(reload);
  if (target.kind !== 'cluster') return;
  const names = redeemed.links.map((link) => link.name);
  const deadlineMs = parseWindow('--deadline', flags.deadline);
  await waitForLinks(names, target.cluster, { state: flags.wait ?? 'none', deadlineMs });
}
