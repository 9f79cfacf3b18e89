import { formatEndpoint } from '../../domain/host-port-text.js';
import { SECRET_RENEWAL_URL, SECRET_SERVER_CA } from '../../domain/labels.js';
import { RedemptionError } from '../../domain/redemption-error.js';
import { certificateSha256s } from '../../pki/certificate-info.js';
import type { ReceivedLink } from '../../redemption/ports/redemption-client.js';
import { parseCount, parseSha256, readAnswerFile } from '../flags/flag-values.js';
import { CommandError, invalidValue, usageError } from '../terminal/command-error.js';
import { formatTime } from '../terminal/output.js';
import { askYes, canAsk } from '../terminal/question.js';
import { writeStderr, writeStderrLines } from '../terminal/write-out.js';
import { finishLink } from '../token/redeemed-report.js';
import { readKeyFile } from '../token/request-key.js';
import { openTargetOfLink, requireSite, type WrittenLinkFlags } from '../token/wait-for-links.js';
import { caLines } from './link-issue.js';

/** The flags of `link accept`. */
export interface LinkAcceptFlags extends WrittenLinkFlags {
  readonly caSha256?: readonly string[];
  /** Accepts the CA of the answer without a comparison. */
  readonly yes?: boolean;
  /** Origin of the service that may renew the link. */
  readonly renewAt?: string;
  /** File with the private key of the request. */
  readonly key?: string;
  readonly linkCost?: string;
}

/** `link accept`: writes the Link and Secret of an answer file, after the user has confirmed its CA. */
export async function linkAcceptCommand(file: string, flags: LinkAcceptFlags): Promise<void> {
  const { renewAt } = flags;
  const allowed = flags.caSha256?.map((value) => parseSha256('--ca-sha256', value));
  const renewalOrigin = renewAt === undefined ? undefined : parseOrigin(renewAt);
  const linkCost = parseCount('--link-cost', flags.linkCost);
  const target = await openTargetOfLink(flags);
  if (target.kind === 'cluster') await requireSite(target.cluster);
  const keyPem = flags.key === undefined ? undefined : await readKeyFile(flags.key);
  const text = await readAnswerFile(file);
  const { proxyConfiguration } = target;
  const confirm = (link: ReceivedLink) => confirmLink(link, allowed, flags);
  const accepted = await target.redeemer
    .accept({ text, keyPem, linkCost, proxyConfiguration, renewalOrigin, confirm }, target.materializer)
    .catch(explainOccupied);
  const isRenewed = accepted.secret.annotations?.[SECRET_RENEWAL_URL] !== undefined;
  if (accepted.alreadyRedeemed && renewAt !== undefined && !isRenewed) {
    writeStderr('warning: the answer was already accepted, so --renew-at has no effect\n');
  }
  await finishLink(accepted, target, flags, file !== '-');
}

/** Throws the error of an acceptance; if the name of the link is occupied, with a hint: only the other side can choose it. */
function explainOccupied(cause: unknown): never {
  if (!(cause instanceof RedemptionError && cause.code === 'place_taken')) throw cause;
  throw new CommandError(cause.message, {
    exitCode: 1,
    hint: 'move the existing resource away, or ask for an answer with another link name: `link issue --name NAME`, with another grant',
    cause,
  });
}

/** Shows the CAs that the site will trust. Throws a CommandError if they are not those of `--ca-sha256`, or the user declines them. */
async function confirmLink(
  { secret, links, certificate }: ReceivedLink,
  allowed: readonly string[] | undefined,
  { yes }: LinkAcceptFlags,
): Promise<void> {
  const ofLink = certificateSha256s(secret.caCrt);
  const serverCa = secret.annotations?.[SECRET_SERVER_CA];
  const ofRenewal = serverCa === undefined ? [] : certificateSha256s(serverCa);
  const endpoints = links.flatMap((link) => link.endpoints).map(formatEndpoint);
  writeStderrLines([
    `Link "${secret.name}" to ${endpoints.join(', ')}`,
    `The certificate of "${certificate.subject}" is valid until ${formatTime(certificate.notAfter)}`,
    ...caLines(ofLink, ofRenewal),
  ]);
  if (allowed) return requireAllowed([...ofLink, ...ofRenewal], allowed);
  if (yes) return;
  const compare = 'compare each CA SHA-256 with what the other side shows, on the phone for example';
  if (!canAsk()) {
    const hint = `${compare}; then repeat this command with --ca-sha256 and this value, or with --yes`;
    throw usageError('nothing was stored: the CA of the answer was not compared', hint);
  }
  if (await askYes('Does the other side show the same CA SHA-256?')) return;
  throw otherCa('nothing was stored: the CA of the answer was not confirmed');
}

function requireAllowed(found: readonly string[], allowed: readonly string[]): void {
  if (found.every((sha256) => allowed.includes(sha256))) return;
  throw otherCa('nothing was stored: the answer has a CA that is not named by --ca-sha256');
}

function otherCa(message: string): CommandError {
  const hint =
    'ask the other side for the CA SHA-256 that `linkgrant link issue` printed; if it differs, the answer is not from there';
  return new CommandError(message, { exitCode: 3, hint });
}

function parseOrigin(value: string): string {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url?.protocol === 'https:' && (value === url.origin || value === `${url.origin}/`)) return url.origin;
  throw invalidValue('--renew-at', value, 'use the origin of the service, such as https://HOST:PORT');
}
