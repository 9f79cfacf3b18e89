import { join } from 'node:path';
import type { Redemption } from '../domain/redemption.js';
import { inputDirectory } from '../link-side.js';
import {
  abortCut,
  advanceCut,
  CUT_STEPS,
  type CutDependencies,
  type CutStanding,
  noteTold,
} from '../redemption/cut-link.js';
import type { GrantStore } from '../redemption/grant-store.js';
import type { LiveLink } from '../redemption/live-links.js';
import { systemOf } from '../system-side.js';
import { CommandError } from './command-error.js';
import { type CutPlace, cutInstructions, ROUTER_PLATFORMS, type RouterPlatform } from './cut-instructions.js';
import { cutIssuerOf, type NamedCutIssuer } from './cut-issuer.js';
import { type IssuerContext, type IssuerSession, platformOf, requireStore } from './issuer-session.js';
import { formatTime, table } from './output.js';
import { writeOut } from './write-out.js';

/** How a cut is to go on. */
export interface CutFlags {
  /** What the present step waits for has been done. */
  readonly continue?: boolean;
  readonly abort?: boolean;
  /** What the router runs on, where that is not what the service does. */
  readonly router?: RouterPlatform;
}

const TITLES = {
  'trust-new': 'the router trusts the new CA beside the old one',
  'sign-new': 'the new CA signs',
  renew: 'the other links get certificates of the new CA',
  rehearse: 'every link connects once more, as a rehearsal',
  'server-certificate': 'the router gets a certificate of the new CA',
  'distrust-old': 'the router trusts the old CA no more',
} as const;

/**
 * Leads through the change of CA that cuts a revoked link off: does what is linkgrant's to do, says what others have to do
 * next, and ends. Rejects with a CommandError where a step that was said to be done is not.
 */
export async function cutCommand(
  redemption: Redemption,
  flags: CutFlags,
  session: IssuerSession,
  context: IssuerContext,
): Promise<void> {
  const router = flags.router ?? parseRouter(platformOf(session));
  const store = requireStore(session);
  const signers = await signersOf(redemption, store, context.clock());
  const issuer = cutIssuerOf(redemption, signers, session, context);
  if (!issuer) {
    await writeOut(doneText(redemption));
    return;
  }
  const deps = { store, issuer, ...context };
  if (flags.abort) {
    await abort(redemption, deps);
    return;
  }
  const asked = { redemptionId: redemption.id, signers, goOn: flags.continue === true };
  const standing = await advanceCut(asked, deps);
  if (standing.standing === 'done') {
    await writeOut(doneText(redemption));
    return;
  }
  if (standing.standing === 'other') {
    throw new CommandError(`links of other CAs of "${issuer.name}" are being cut off just now`, {
      exitCode: 2,
      hint: `end that first: \`linkgrant redemption revoke ${standing.redemptionId} --cut\` tells where it stands`,
    });
  }
  const place = placeOf(issuer, { redemption, old: standing.old, router }, session);
  await writeOut(waitingText(redemption.id, standing, place));
  await noteTold(standing.step, deps);
  refuseUnmet(standing);
}

/** The CAs that signed certificates of the redemption that are still valid. */
async function signersOf(redemption: Redemption, store: GrantStore, now: number): Promise<string[]> {
  const certificates = [redemption, ...(await store.listRenewals(redemption.id))];
  const valid = certificates.filter(({ notAfter }) => notAfter > now);
  return [...new Set(valid.map(({ issuerSha256 }) => issuerSha256))];
}

/** The platform that `--router` names; throws a CommandError for another word. */
export function parseRouter(text: string): RouterPlatform {
  const found = ROUTER_PLATFORMS.find((platform) => platform === text);
  if (found) return found;
  throw new CommandError(`--router cannot be "${text}"`, {
    exitCode: 2,
    hint: `name one of ${ROUTER_PLATFORMS.join(', ')}`,
  });
}

async function abort(redemption: Redemption, deps: CutDependencies): Promise<void> {
  if (!(await abortCut(deps))) {
    throw new CommandError('nothing is being cut off', {
      exitCode: 2,
      hint: `\`linkgrant redemption revoke ${redemption.id} --cut\` begins it`,
    });
  }
  await writeOut(
    [
      'Given up. The redemption stays revoked, and its link can connect until its certificate ends.\n',
      'The CAs stay as they are: `linkgrant issuer list` shows them, and both are trusted by answers.\n',
      'If the router trusts one of them alone by now, let it trust both again.\n',
    ].join(''),
  );
}

function placeOf(
  issuer: NamedCutIssuer,
  of: { readonly redemption: Redemption; readonly old: readonly string[]; readonly router: RouterPlatform },
  { issuers, settings, service }: IssuerSession,
): CutPlace {
  const { namespace } = of.redemption;
  const { skupperHome } = service?.system ?? systemOf(settings);
  const staying = issuer.own
    ? issuers.list(issuer.name).filter(({ sha256 }) => !of.old.includes(sha256))
    : [];
  return {
    router: of.router,
    issuer: issuer.name,
    isOurs: issuer.own !== undefined,
    directory: join(inputDirectory(skupperHome, namespace), '../..'),
    namespace,
    staying: staying.map(({ certificateFile }) => certificateFile),
  };
}

function waitingText(
  id: string,
  { step, behind, waitMs }: Extract<CutStanding, { readonly standing: 'waiting' }>,
  place: CutPlace,
): string {
  const number = CUT_STEPS.indexOf(step) + 1;
  const showsBehind = behind.length > 0 && number >= CUT_STEPS.indexOf('renew') + 1;
  return [
    `Step ${number} of ${CUT_STEPS.length}: ${TITLES[step]}\n`,
    ...(waitMs === undefined ? cutInstructions(step, place).map((line) => `${line}\n`) : []),
    showsBehind
      ? `\nOther links whose certificate is of the old CA: ${behind.length}\n${behindTable(behind)}\n`
      : '',
    `Next: linkgrant redemption revoke ${id} --cut --continue\n`,
  ].join('');
}

function behindTable(behind: readonly LiveLink[]): string {
  return table(
    ['ID', 'NAME', 'SUBJECT', 'CERTIFICATE ENDS', 'RENEWED'],
    behind.map(({ redemption, newest, renewals }) => [
      redemption.id,
      redemption.name,
      redemption.subject,
      formatTime(newest.notAfter),
      renewals > 0 ? String(renewals) : redemption.mode === 'stock' ? "never, by Skupper's client" : 'never',
    ]),
  );
}

function refuseUnmet({
  step,
  isUnmet,
  waitMs,
}: Extract<CutStanding, { readonly standing: 'waiting' }>): void {
  if (waitMs !== undefined) {
    throw new CommandError('the old CA stays yet: it has signed until just now', {
      exitCode: 4,
      hint: `try again in ${Math.ceil(waitMs / 1000)} seconds`,
    });
  }
  if (!isUnmet) return;
  throw new CommandError(
    step === 'sign-new' ? 'the old CA signs still' : 'answers to links trust the old CA still',
    { exitCode: 4, hint: 'do what is written above, then run this again' },
  );
}

function doneText({ id, subject }: Redemption): string {
  return `Cut off: no CA is trusted any more that signed a valid certificate of redemption ${id}, subject ${subject}.\n`;
}
