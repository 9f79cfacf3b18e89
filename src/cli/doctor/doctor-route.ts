import { isIP } from 'node:net';
import { queryToken, routeTo, type TokenProof } from '../../compose/token-redemption.js';
import type { AccessToken, RedeemableToken } from '../../domain/access-token.js';
import { hostPortOf } from '../../domain/host-port-text.js';
import { NIL_UUID } from '../../domain/names.js';
import { RedemptionError } from '../../domain/redemption-error.js';
import { OutsideValidity, type TokenCheck } from '../../redemption/ports/redemption-client.js';
import type { CommandConnectionOptions } from '../flags/connection-flags.js';
import { adviceFor } from '../terminal/exit-codes.js';
import { type Check, fail, failWithCode, ok } from './doctor-check.js';

/** The check results of the connection steps, and the response of the service. */
export interface RouteChecks {
  readonly checks: readonly Check[];
  /** Undefined if a step failed. */
  readonly answer?: TokenCheck | 'stock' | RedemptionError;
}

type Step = 'proxy' | 'DNS' | 'TCP' | 'TLS' | 'CA pin' | 'validity' | 'name' | 'clock';

const FAILED_STEP: Readonly<Record<string, Step>> = {
  proxy: 'proxy',
  dns: 'DNS',
  connection_refused: 'TCP',
  connection_timeout: 'TCP',
  not_https: 'TLS',
  tls_untrusted: 'CA pin',
  tls_name: 'name',
  clock_skew: 'clock',
};
/** Why there is no URL to check. */
export const NEVER_RAN = 'no service has run on this store yet';
export const SERVE_ONCE_HINT = 'start `linkgrant serve` once';
const RESPONDS = ok('service', 'it responds at the URL in its tokens');
const CLOCK_TOLERANCE_MS = 60_000;
/** Hints for the operator of the service, where the usual ones are for the other side. */
const OPERATOR_HINTS = {
  connection_refused: 'start the service, and check that no firewall blocks the port',
  tls_untrusted:
    'another service answers at this URL, or this one runs with another --data-dir: start it with the --data-dir of this command',
};
const EXPIRED_HINT =
  'if the clock of this machine is correct, renew the certificate of the service on the accepting side; `linkgrant serve` renews a certificate that it created itself. If the CA in the token has expired, issue another token';

/** Options of {@link checkRoute}. */
interface RouteCheckOptions extends TokenProof {
  /** The beginning of the name of each check. */
  readonly prefix?: string;
  /** Hints that replace the usual ones, by error code. */
  readonly hints?: Readonly<Record<string, string>>;
}

/**
 * Connects to the service as a redemption does, trusting only the CA of the token, and queries the grant. Spends no use.
 */
export async function checkRoute(
  token: RedeemableToken,
  options: CommandConnectionOptions,
  { prefix = '', hints = {}, ...proof }: RouteCheckOptions,
): Promise<RouteChecks> {
  const answer = await queryToken(token, options, proof).catch((error: unknown) => {
    if (error instanceof RedemptionError) return error;
    throw error;
  });
  const failedStep = answer instanceof RedemptionError ? stepOf(answer) : undefined;
  const details = describePassedSteps(new URL(token.url), options);
  const passed = stepsBefore(failedStep, options.proxy !== undefined).map((name) =>
    ok(prefix + name, details[name]),
  );
  if (!(answer instanceof RedemptionError) || failedStep === undefined)
    return { checks: [...passed, ...checkClock(answer, prefix, options)], answer };
  const { hint, exitCode } = adviceFor(answer.code);
  const remedy = failedStep === 'validity' ? EXPIRED_HINT : (hints[answer.code] ?? hint);
  return { checks: [...passed, fail(prefix + failedStep, answer.message, remedy, exitCode)] };
}

function stepOf({ code, cause }: RedemptionError): Step | undefined {
  return cause instanceof OutsideValidity ? 'validity' : FAILED_STEP[code];
}

/** Returns the steps that passed: all, or those before the failed one. */
function stepsBefore(failed: Step | undefined, hasProxy: boolean): Exclude<Step, 'clock'>[] {
  // With a proxy, a failure of DNS or TCP means that NO_PROXY exempted the host.
  const isDirect = failed === 'DNS' || failed === 'TCP' || (!hasProxy && failed !== 'proxy');
  const connectSteps: Exclude<Step, 'clock'>[] = isDirect ? ['DNS', 'TCP'] : ['proxy'];
  const steps: Exclude<Step, 'clock'>[] = [...connectSteps, 'TLS', 'CA pin', 'validity', 'name'];
  // A clock failure means that the time is outside the certificate's validity; the name was not checked.
  const end = failed === 'clock' ? 'validity' : failed;
  return end === undefined ? steps : steps.slice(0, steps.indexOf(end));
}

function describePassedSteps(
  url: URL,
  { connectTo }: CommandConnectionOptions,
): Readonly<Record<Exclude<Step, 'clock'>, string>> {
  const { host } = hostPortOf(url);
  // The proxy is omitted here: its name and port are in a step of their own.
  const { address } = routeTo(hostPortOf(url), { connectTo });
  const replaced = address.host === host ? '' : `, which --connect-to uses in place of ${host}`;
  return {
    proxy: `connected to ${url.host} (through the proxy, unless NO_PROXY lists it)`,
    DNS:
      isIP(address.host) === 0
        ? `${address.host} resolves${replaced}`
        : `${address.host} is an address${replaced}`,
    TCP: `port ${address.port} accepts connections`,
    TLS: 'TLS 1.3 was negotiated',
    'CA pin': 'the certificate is signed by the pinned CA',
    validity: 'the certificate is valid',
    name: `the certificate is for ${host}`,
  };
}

function checkClock(
  answer: RouteChecks['answer'],
  prefix: string,
  { clock }: CommandConnectionOptions,
): Check[] {
  if (typeof answer !== 'object' || answer instanceof RedemptionError) return [];
  const difference = Math.round((answer.serverTime - clock()) / 1_000);
  const seconds = Math.abs(difference);
  const detail = `this machine is ${seconds} s ${difference >= 0 ? 'behind' : 'ahead of'} the service`;
  if (seconds * 1_000 <= CLOCK_TOLERANCE_MS) return [ok(`${prefix}clock`, detail)];
  return [
    fail(
      `${prefix}clock`,
      detail,
      'synchronize the clocks of both machines: the validity of certificates and grants depends on them',
      4,
    ),
  ];
}

/** Returns a token of a grant that does not exist. A service at the base URL refuses it with `grant_unknown`. */
export function probeToken({ url, ca }: { readonly url: string; readonly ca: string }): AccessToken {
  return { name: 'doctor', url: `${url}/${NIL_UUID}`, code: 'no-such-grant', ca };
}

/** Checks whether the service responds at the URL in its tokens. Returns one check, with the message of the step that failed. */
export async function checkServiceAt(
  service: { readonly url: string; readonly ca: string } | undefined,
  options: CommandConnectionOptions,
): Promise<Check> {
  if (!service) return fail('service', NEVER_RAN, SERVE_ONCE_HINT, 2);
  const checks = await checkUrl(probeToken(service), options);
  const failed = checks.find(({ status }) => status === 'fail');
  return failed ? { ...failed, name: 'service' } : RESPONDS;
}

/** Checks, for the operator of the service, that it responds at the URL in its tokens. */
export async function checkUrl(
  probe: AccessToken,
  options: CommandConnectionOptions,
): Promise<readonly Check[]> {
  const { checks, answer } = await checkRoute(probe, options, { prefix: 'URL ', hints: OPERATOR_HINTS });
  return answer === undefined ? checks : [...checks, checkAnswer(answer)];
}

function checkAnswer(answer: NonNullable<RouteChecks['answer']>): Check {
  if (!(answer instanceof RedemptionError) || answer.code === 'grant_unknown') return RESPONDS;
  return failWithCode('service', answer.message, answer.code);
}
