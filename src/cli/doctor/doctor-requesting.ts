import { existsSync } from 'node:fs';
import { readSignedCode } from '../../codes/signed-code.js';
import { linkDirectory } from '../../compose/open-links.js';
import { checkRules } from '../../compose/token-redemption.js';
import { stateWords } from '../../domain/access-grant.js';
import { needsIdentity, type RedeemableToken } from '../../domain/access-token.js';
import { formatEndpoint } from '../../domain/host-port-text.js';
import type { Link } from '../../domain/link.js';
import { RedemptionError } from '../../domain/redemption-error.js';
import { formatPolicySettings } from '../../redemption/accepting/policy-settings.js';
import type { LinkFiles } from '../../redemption/ports/link-files.js';
import type { LinkRequestStore } from '../../redemption/ports/link-requests.js';
import type { TokenCheck } from '../../redemption/ports/redemption-client.js';
import { credentialsDamage } from '../../redemption/requesting/check-link.js';
import type { SiteIdentity } from '../../redemption/requesting/identity-client.js';
import { boundKeyOf, csrFor, isKeyProven, keyFor } from '../../redemption/requesting/redemption-key.js';
import { renewableLink } from '../../redemption/requesting/renewable-link.js';
import type { CommandConnectionOptions } from '../flags/connection-flags.js';
import { policyFields } from '../grant/grant-fields.js';
import { formatTime } from '../terminal/output.js';
import { explainRefusal, requestedSubject } from '../token/redeem-input.js';
import { readRequestKey } from '../token/request-key.js';
import { siteIdentity } from '../token/site-identity.js';
import { loadToken } from '../token/token-file.js';
import { adviceForState } from '../token/token-state-advice.js';
import {
  type Check,
  certificateCheck,
  type DoctorInput,
  fail,
  failWithCode,
  failWithError,
  ok,
  warn,
  writableCheck,
} from './doctor-check.js';
import { identityChecks } from './doctor-identity.js';
import { checkRoute, type RouteChecks } from './doctor-route.js';

// The service reports a deleted grant as unknown.
const END_CODES: ReadonlySet<string> = new Set(['grant_unknown', 'code_expired', 'code_exhausted']);

/** The site that redeems a token. */
export interface CheckedSite {
  /** Returns the name of the link that this site created from a token. */
  findLink(token: RedeemableToken): Promise<string | undefined>;
  /** Uid of the site, if it is known. */
  siteUid(): string | undefined;
  /** Its waiting requests, one of which has the key of a bound token. */
  readonly linkRequests: LinkRequestStore;
}

/** Checks whether a site can redeem a token now, or has redeemed it. Spends no use. */
export async function tokenChecks(
  { token: file, ...flags }: DoctorInput & { readonly token: string },
  site: CheckedSite,
  options: CommandConnectionOptions,
): Promise<Check[]> {
  let token: RedeemableToken;
  try {
    token = await loadToken(file, flags);
  } catch (error) {
    return [failWithError('token', error, 'check the token file')];
  }
  const tokenCheck = ok('token', `"${token.name}" for ${token.url}`);
  // If the links cannot be read, an expired or exhausted grant is reported as a failure.
  const link = await site.findLink(token).catch(() => undefined);
  const subject = requestedSubject(token, flags.subject, site);
  const passed = [tokenCheck];
  let csrDer: Uint8Array | undefined;
  let identity: SiteIdentity | undefined;
  try {
    const keyPem = flags.key === undefined ? undefined : await readRequestKey(flags.key, token);
    if (boundKeyOf(token) !== undefined && link !== undefined)
      return [tokenCheck, ok('key', `this site redeemed the token for its link "${link}"`)];
    if (isKeyProven(token)) {
      const named = { name: token.name, subject };
      csrDer = csrFor(token, await keyFor({ token, keyPem }, site.linkRequests), named);
    }
    identity = siteIdentity(token, flags);
  } catch (error) {
    return [tokenCheck, failWithError(needsIdentity(token) ? 'identity' : 'key', error, '')];
  }
  if (identity) {
    passed.push(...(await identityChecks(token.url, csrDer, identity, options.clock())));
    if (passed.some(({ status }) => status === 'fail')) return passed;
  }
  const { checks, answer } = await checkRoute(token, options, { csrDer, identity });
  const isSigned = readSignedCode(token.code) !== undefined;
  const grantResults = grantChecks(answer, isSigned).map((check) => withLink(check, answer, link));
  const request = { token, name: flags.name, subject };
  // A repeated redemption returns the existing link, also if it requests another subject, name or key.
  const refusal = isTokenCheck(answer) && link === undefined ? checkRules(request, answer) : undefined;
  const refusalChecks = refusal ? [failWithError('redemption', explainRefusal(refusal, request), '')] : [];
  return [...passed, ...checks, ...grantResults, ...refusalChecks];
}

/** If this site has the link of the token, an expired, exhausted or deleted grant is no failure. A revoked grant is. */
function withLink(check: Check, answer: RouteChecks['answer'], link: string | undefined): Check {
  if (link === undefined || check.name !== 'grant' || check.status !== 'fail') return check;
  const isEnd = answer instanceof RedemptionError ? END_CODES.has(answer.code) : isEndState(answer);
  if (!isEnd) return check;
  return ok('grant', `${check.detail}; this site redeemed the token for its link "${link}"`);
}

function isTokenCheck(answer: RouteChecks['answer']): answer is TokenCheck {
  return typeof answer === 'object' && !(answer instanceof RedemptionError);
}

function isEndState(answer: Exclude<RouteChecks['answer'], RedemptionError>): boolean {
  return isTokenCheck(answer) && (answer.state === 'exhausted' || answer.state === 'expired');
}

function grantChecks(answer: RouteChecks['answer'], isSigned: boolean): Check[] {
  if (answer === undefined) return [];
  if (answer === 'stock') {
    const detail = 'this is a Skupper grant server, which cannot report the state of a grant';
    return [warn('grant', detail, 'redeem the token to check it; this spends a use')];
  }
  if (answer instanceof RedemptionError) return [failWithCode('grant', answer.message, answer.code)];
  return [grantCheck(answer, isSigned), ...policyChecks(answer), endpointsCheck(answer)];
}

/** Reports the state of a grant, or of an identity that redeems it. */
export function grantCheck(
  {
    state,
    redemptions,
    redemptionsAllowed,
    expirationTime,
  }: Pick<TokenCheck, 'state' | 'redemptions' | 'redemptionsAllowed' | 'expirationTime'>,
  isSigned: boolean,
): Check {
  const used = `${redemptions} of ${redemptionsAllowed} uses spent`;
  if (state === 'ready') {
    const until = expirationTime === null ? '' : `, until ${formatTime(expirationTime)}`;
    return ok('grant', `ready, ${used}${until}`);
  }
  const { hint, exitCode } = adviceForState(state, isSigned);
  return fail('grant', `${stateWords(state)}, ${used}`, hint, exitCode);
}

function policyChecks({ policy, serverTime }: TokenCheck): Check[] {
  const policyRules = policyFields(formatPolicySettings(policy)).map(
    ([label, value]) => `${label}: ${value}`,
  );
  if (policyRules.length === 0) return [];
  const rules = policyRules.join('; ');
  if ((policy.notBefore ?? serverTime) <= serverTime) return [ok('rules', rules)];
  return [failWithCode('rules', rules, 'not_yet_valid')];
}

function endpointsCheck({ endpoints }: TokenCheck): Check {
  if (endpoints.length > 0) return ok('endpoints', endpoints.map(formatEndpoint).join(', '));
  return failWithCode('endpoints', 'the accepting site has no endpoint now', 'link_access_unavailable');
}

/** Checks that links can be written into a directory, and the certificates of the existing ones. */
export async function linkDirectoryChecks(directory: string, now: number): Promise<Check[]> {
  const links = linkDirectory(directory);
  const checks = [writableCheck('links directory', directory)];
  const renewal = { command: 'linkgrant link renew --all', runner: 'timer' } as const;
  if (!existsSync(directory)) return checks;
  try {
    for (const link of await links.list()) checks.push(await credentialsCheck(link, links, renewal, now));
  } catch (error) {
    checks.push(
      fail('links', (error as Error).message, 'run `linkgrant doctor` as the owner of the links directory'),
    );
  }
  return checks;
}

/**
 * Checks that the Secret of a link is complete and its certificate is valid. `command` renews the links that are due; `runner`
 * repeats that command.
 */
export async function credentialsCheck(
  { name, tlsCredentials }: Link,
  links: LinkFiles,
  { command, runner }: { readonly command: string; readonly runner: 'timer' | 'CronJob' },
  now: number,
): Promise<Check> {
  const label = `link ${name}`;
  const secret = await links.findSecret(tlsCredentials);
  if (!secret) {
    const detail = await links.explainMissingSecret(tlsCredentials);
    return fail(label, detail, 'restore the Secret, or delete the link', 3);
  }
  const damage = credentialsDamage(secret);
  if (damage) return fail(label, damage.message, 'restore the Secret, or redeem a new token', 3);
  const renewal =
    'problem' in renewableLink(secret)
      ? 'it cannot be renewed: redeem a new token'
      : `its renewal is overdue: run \`${command}\`, and check that a ${runner} runs this command`;
  return certificateCheck(label, secret.tlsCrt, now, renewal);
}
