import { isSubject } from '../../domain/names.js';
import type { RedeemedToken } from '../../redemption/requesting/redeem-token.js';
import { renewableLink } from '../../redemption/requesting/renewable-link.js';
import { keyOriginText } from '../link/key-origin.js';
import { requireKnownNamespace } from '../link/known-namespace.js';
import {
  type CommandContext,
  type LinkTarget,
  type LinkTargetFlags,
  openLinkTarget,
} from '../link/link-target.js';
import { type ReloadReport, reloadText, requireReload, settleReload } from '../link/settle-reload.js';
import { CommandError } from '../terminal/command-error.js';
import { parseCount, parseWindow, readToken, requireResourceName } from '../terminal/flag-values.js';
import { formatTime, print } from '../terminal/output.js';
import type { OutputFormat } from '../terminal/output-format.js';
import { tell } from '../terminal/tell.js';
import { type InputRedemption, inputFailure, redeemInput } from './redeem-input.js';
import { parseAccessToken } from './token-file.js';
import { requireSite, type WantedLinkState, waitForLinks } from './wait-for-links.js';
import { wantedSubject } from './wanted-subject.js';

/** The flags of `token redeem`, as they were typed. */
export interface TokenRedeemFlags extends LinkTargetFlags {
  /** Redeems the AccessToken files of the site's input directory. */
  readonly input?: boolean;
  readonly name?: string;
  readonly subject?: string;
  readonly linkCost?: string;
  readonly retry?: boolean;
  /** Asks for a certificate that is short-lived, because it will be renewed. */
  readonly renew?: boolean;
  /** On kubernetes: what the controller has to say of the link before the command ends. */
  readonly wait?: WantedLinkState;
  /** On kubernetes: how long to wait for that. */
  readonly deadline?: string;
  readonly output?: OutputFormat;
}

/**
 * Redeems a token and puts its Secret and Link into `--to`, or into the input directory of a site; with `--input` the
 * tokens that are there. The key is made and kept before anything is posted.
 */
export async function redeemCommand(
  file: string | undefined,
  flags: TokenRedeemFlags,
  context: CommandContext,
): Promise<void> {
  const { name, subject, output } = flags;
  const linkCost = parseCount('--link-cost', flags.linkCost);
  if (name !== undefined) requireResourceName('--name', name);
  if (subject !== undefined && !isSubject(subject)) {
    throw new CommandError('--subject cannot be what was given', {
      exitCode: 2,
      hint: 'use 1 to 253 printable characters',
    });
  }
  if (flags.to === '-' && output !== undefined) {
    throw new CommandError('-o and --to - both want standard output', {
      exitCode: 2,
      hint: 'name a directory with --to',
    });
  }
  const deadlineMs = parseWindow('--deadline', flags.deadline);
  requireOneSource(file, flags);
  const target = await openLinkTarget(flags, context, { reloads: false });
  const { namespace, skupperHome, cluster } = target;
  if ((flags.wait !== undefined || flags.deadline !== undefined) && !cluster) {
    throw new CommandError('--wait and --deadline are for --platform kubernetes', {
      exitCode: 2,
      hint: 'leave it out; `linkgrant link check` dials the link',
    });
  }
  if (namespace !== undefined && skupperHome !== undefined) requireKnownNamespace(skupperHome, namespace);
  if (file === undefined)
    return redeemInputCommand(target, { linkCost, retry: flags.retry, renews: flags.renew, output }, context);
  const token = parseAccessToken(await readToken(file));
  const { side, site, materializer, proxyConfiguration, ownKey } = target;
  if (cluster) await requireSite(cluster);
  const redeemed = await side.redeem(
    {
      token,
      name,
      subject: wantedSubject(token, subject, cluster ?? site),
      linkCost,
      proxyConfiguration,
      ownKey,
      retry: flags.retry,
      renews: flags.renew,
    },
    materializer,
  );
  const reload = await settleReload(target, context);
  await report(redeemed, target, reload, flags);
  requireReload(reload);
  if (cluster) {
    const names = redeemed.links.map((link) => link.name);
    await waitForLinks(names, cluster, { state: flags.wait ?? 'none', deadlineMs });
  }
}

function requireOneSource(file: string | undefined, { input, name, subject }: TokenRedeemFlags): void {
  if (file === undefined && !input) {
    throw new CommandError('nothing says which token to redeem', {
      exitCode: 2,
      hint: "name its file (- for standard input), or --input for those in the site's input directory",
    });
  }
  if (!input) return;
  if (file !== undefined || name !== undefined || subject !== undefined) {
    throw new CommandError('--input redeems the tokens of the input directory, each under its own name', {
      exitCode: 2,
      hint: 'leave out the file, --name and --subject, or leave out --input',
    });
  }
}

async function redeemInputCommand(
  target: LinkTarget,
  request: {
    readonly linkCost?: number | undefined;
    readonly retry?: boolean | undefined;
    readonly renews?: boolean | undefined;
    output: OutputFormat;
  },
  context: CommandContext,
): Promise<void> {
  if (!target.site) {
    throw new CommandError('--input needs a site with an input directory', {
      exitCode: 2,
      hint: 'add --platform podman, docker or linux; on kubernetes the AccessTokens of a namespace are redeemed by a controller',
    });
  }
  const results = await redeemInput(target, request, context);
  const reload = await settleReload(target, context);
  const value = {
    tokens: results.map((result) =>
      'failure' in result
        ? { file: result.file, error: result.failure.message }
        : { file: result.file, ...reportOf(result.redeemed) },
    ),
    reload: reload.outcome,
  };
  await print(
    request.output,
    value,
    () =>
      results.map((result) => inputText(result, target, request.renews)).join('') + reloadText(reload) ||
      NO_TOKENS,
  );
  const failure = inputFailure(results);
  if (failure) throw failure;
  requireReload(reload);
}

const NO_TOKENS = 'No AccessToken is in the input directory.\n';

function inputText(result: InputRedemption, target: LinkTarget, renews: boolean | undefined): string {
  if ('redeemed' in result) return `${writtenText(result.redeemed, target, renews)}Removed ${result.file}\n`;
  return `Left ${result.file}: ${result.failure.message}${result.earlier ? ' (not posted again; --retry does)' : ''}\n`;
}

function writtenText(redeemed: RedeemedToken, target: LinkTarget, renews: boolean | undefined): string {
  const { written, alreadyRedeemed } = redeemed;
  return [
    ...written.map((path) => `${alreadyRedeemed ? 'In place' : 'Written'} ${path}\n`),
    alreadyRedeemed ? 'The token was redeemed before; this is the same link, and no use was spent.\n' : '',
    keyOriginText(redeemed),
    validityText(redeemed, target, renews),
  ].join('');
}

/** Until when the certificate is valid, and what has to run so that there is one after that. */
function validityText(
  { certificate, secret }: RedeemedToken,
  { directory, site, cluster, namespace, platform }: LinkTarget,
  renews = false,
): string {
  const valid = `The certificate of "${certificate.subject}" is valid until ${formatTime(certificate.notAfter)}`;
  const link = renewableLink(secret);
  if ('cannot' in link) return `${valid}; nothing can renew it: ${link.cannot}.\n`;
  if (!renews) return `${valid}; nothing renews it unless "linkgrant link renew" is run.\n`;
  const place = site || cluster ? `-n ${namespace} -p ${platform}` : `--dir ${directory ?? 'DIR'}`;
  return `${valid}. To renew it in time, have a timer${cluster ? ' or a CronJob' : ''} run, daily or more often: linkgrant link renew --all ${place}\n`;
}

function reportOf({
  links,
  secret,
  certificate,
  redemptionId,
  alreadyRedeemed,
  source,
  written,
}: RedeemedToken) {
  return {
    links: links.map((link) => link.name),
    secret: secret.name,
    files: written,
    subject: certificate.subject,
    serial: certificate.serial,
    notAfter: formatTime(certificate.notAfter),
    source,
    keyGeneratedBy: source === 'stock' ? 'server' : 'site',
    alreadyRedeemed,
    ...(redemptionId !== undefined && { redemptionId }),
  };
}

async function report(
  redeemed: RedeemedToken,
  target: LinkTarget,
  reload: ReloadReport,
  { output, renew }: TokenRedeemFlags,
): Promise<void> {
  const { directory, site, cluster, place } = target;
  if (directory === undefined && !cluster) {
    tell(keyOriginText(redeemed) + validityText(redeemed, target, renew));
    return;
  }
  const value = { ...reportOf(redeemed), ...(place && { reload: reload.outcome }) };
  await print(output, value, () =>
    [
      writtenText(redeemed, target, renew),
      reloadText(reload),
      site || cluster || reload.outcome !== 'not-needed'
        ? 'The token file can be deleted.\n'
        : `Apply both where the router runs, for example with kubectl apply -f ${directory}. The token file can be deleted.\n`,
    ].join(''),
  );
}
