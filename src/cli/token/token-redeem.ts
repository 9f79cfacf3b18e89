import { containsJoinLine } from '../../codes/join-line.js';
import type { RedeemedToken } from '../../redemption/requesting/redeem-token.js';
import { parseCount, requireResourceName, requireSubject } from '../flags/flag-values.js';
import type { LinkTarget } from '../link/link-target.js';
import { reloadText, requireReload, settleReload } from '../link/settle-reload.js';
import { usageError } from '../terminal/command-error.js';
import { print } from '../terminal/output.js';
import { plain } from '../terminal/plain-text.js';
import { withProgress } from '../terminal/progress.js';
import { writeStderr } from '../terminal/write-out.js';
import {
  explainRefusal,
  type InputRedemption,
  inputFailure,
  redeemInput,
  requestedSubject,
} from './redeem-input.js';
import { finishLink, isRenewing, reportOf, writtenText } from './redeemed-report.js';
import { repeatWhileOverloaded } from './repeat-overloaded.js';
import { readRequestKey } from './request-key.js';
import { IDENTITY_FLAGS, type IdentityFlags, siteIdentity } from './site-identity.js';
import { type GrantUrlFlags, isGrantUrl, loadToken, refuseRequest } from './token-file.js';
import { openTargetOfLink, requireSite, type WrittenLinkFlags } from './wait-for-links.js';

/** The flags of `token redeem`. */
export interface TokenRedeemFlags extends WrittenLinkFlags, IdentityFlags, GrantUrlFlags {
  /** Redeems the AccessToken files of the site's input directory. */
  readonly input?: boolean;
  readonly subject?: string;
  readonly linkCost?: string;
  readonly retry?: boolean;
  /** File with the private key of the request that a bound token was issued for. */
  readonly key?: string;
  /** Checks the prerequisites of the redemption, and redeems nothing. */
  readonly dryRun?: boolean;
  /** Requests a short-lived certificate, because it will be renewed. */
  readonly renew?: boolean;
}

/** `token redeem`: redeems a token, or with `--input` those in the site's input directory, and writes Secret and Link. */
export async function tokenRedeemCommand(file: string | undefined, flags: TokenRedeemFlags): Promise<void> {
  requireOneSource(file, flags);
  if (file !== undefined) refuseRequest(file);
  if (flags.name !== undefined) requireResourceName('--name', flags.name);
  if (flags.subject !== undefined) requireSubject(flags.subject);
  const linkCost = parseCount('--link-cost', flags.linkCost);
  const target = await openTargetOfLink(flags);
  if (flags.dryRun) return checkRedemption(file, target, flags);
  if (file === undefined) return redeemInputCommand(target, linkCost, flags);

  const token = await loadToken(file, flags);
  if (target.kind === 'cluster') await requireSite(target.cluster);
  const { name, retry, renew: renews } = flags;
  const { proxyConfiguration, ownKey } = target;
  const subject = requestedSubject(token, flags.subject, target);
  const keyPem = flags.key === undefined ? undefined : await readRequestKey(flags.key, token);
  const identity = siteIdentity(token, flags);
  const options = { proxyConfiguration, ownKey, retry, renews, keyPem, identity };
  const request = { token, name, subject, linkCost, ...options };
  const redeemed = await withProgress('Redeeming the token', () =>
    repeatWhileOverloaded(() => target.redeemer.redeem(request, target.materializer)),
  ).catch((error: unknown) => {
    throw explainRefusal(error, request);
  });
  warnOfIgnoredFlags(redeemed, flags);
  await finishLink(redeemed, target, flags, file !== '-' && !containsJoinLine(file) && !isGrantUrl(file));
}

/** Runs the checks of `doctor` for a token and the target of its link. */
async function checkRedemption(
  token: string | undefined,
  { connection }: LinkTarget,
  { to, proxySecret, ...flags }: TokenRedeemFlags,
): Promise<void> {
  if (token === undefined) {
    throw usageError('--dry-run cannot be combined with --input', 'name one of the token files instead');
  }
  writeStderr('Dry run: no use is spent and nothing is written. The checks of this redemption:\n');
  const { doctorCommand } = await import('../doctor/doctor.js');
  const isDirectory = to !== undefined && to !== '-';
  const proxy = flags.proxy ?? (proxySecret === undefined ? undefined : connection.proxy);
  await doctorCommand({ ...flags, token, ...(isDirectory && { to }), ...(proxy !== undefined && { proxy }) });
}

/** `join`: redeems a join line, the URL of a grant, or for `-` the token on standard input. */
export async function joinCommand(line: string, flags: TokenRedeemFlags): Promise<void> {
  if (line === '-' || containsJoinLine(line) || isGrantUrl(line)) return tokenRedeemCommand(line, flags);
  refuseRequest(line);
  throw usageError(
    'that is no join line: it does not begin with lgj1_',
    'copy the whole line that `linkgrant token issue` printed, or redeem a token file with `linkgrant token redeem FILE`',
  );
}

// Flags that --input cannot have.
const ONE_TOKEN_FLAGS = ['name', 'subject', 'key', 'ca', 'caSha256', ...IDENTITY_FLAGS] as const;

function requireOneSource(file: string | undefined, flags: TokenRedeemFlags): void {
  if (file === undefined && !flags.input) {
    throw usageError(
      'no token is given',
      "name the token file (- for standard input), or use --input for the tokens in the site's input directory",
    );
  }
  if (!flags.input) return;
  if (file !== undefined || ONE_TOKEN_FLAGS.some((flag) => flags[flag] !== undefined)) {
    throw usageError(
      '--input redeems the tokens of the input directory, each under its own name and with its own code',
      'omit the file, --name, --subject, --key, --ca, --ca-sha256 and the flags --identity-…, or omit --input',
    );
  }
}

async function redeemInputCommand(
  target: LinkTarget,
  linkCost: number | undefined,
  { retry, renew: renews, output }: TokenRedeemFlags,
): Promise<void> {
  if (target.kind !== 'system-site') {
    throw usageError(
      '--input needs a site with an input directory',
      'add --platform podman, docker or linux; on kubernetes a controller redeems the AccessTokens of a namespace',
    );
  }
  const results = await withProgress('Redeeming the tokens', () =>
    redeemInput(target, { linkCost, retry, renews }),
  );
  const reload = await settleReload(target);
  const tokens = results.map((result) =>
    'failure' in result
      ? { file: result.file, error: result.failure.message }
      : { file: result.file, ...reportOf(result.redeemed) },
  );
  await print(
    output,
    { tokens, reload: reload.outcome },
    () =>
      results.map((result) => inputText(result, target, renews)).join('') + reloadText(reload) || NO_TOKENS,
  );
  const failure = inputFailure(results);
  if (failure) throw failure;
  requireReload(reload);
}

const NO_TOKENS = 'The input directory contains no AccessToken.\n';

function inputText(result: InputRedemption, target: LinkTarget, renews: boolean | undefined): string {
  if ('redeemed' in result) return `${writtenText(result.redeemed, target, renews)}Removed ${result.file}\n`;
  return plain`Left ${result.file}: ${result.failure.message}${result.isRecorded ? ' (not repeated; use --retry)' : ''}\n`;
}

/** Warns of flags that cannot change the certificate of a token that was already redeemed. */
function warnOfIgnoredFlags(
  { alreadyRedeemed, certificate, secret }: RedeemedToken,
  { subject, renew }: TokenRedeemFlags,
): void {
  if (!alreadyRedeemed) return;
  const ignored = [
    ...(subject !== undefined && subject !== certificate.subject ? ['--subject'] : []),
    ...(renew && !isRenewing(secret) ? ['--renew'] : []),
  ];
  if (ignored.length === 0) return;
  writeStderr(
    `warning: the token was already redeemed, so these flags have no effect: ${ignored.join(', ')}\n`,
  );
}
