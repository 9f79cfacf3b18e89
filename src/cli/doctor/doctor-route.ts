import { findShownCertificate, type LinkDialOptions } from '../../compose/links.js';
import { checkToken } from '../../compose/token-redemption.js';
import type { RedeemableToken } from '../../domain/access-token.js';
import { RedemptionError } from '../../domain/redemption-error.js';
import { describeCertificate, verificationProblem } from '../../pki/certificate-info.js';
import type { TokenCheck } from '../../redemption/ports/redemption-client.js';
import { adviceFor } from '../terminal/exit-codes.js';
import { formatTime } from '../terminal/output.js';
import { type Check, fail, ok } from './doctor-check.js';

/** The steps of the connection to a service, and its response. */
export interface RouteChecks {
  readonly checks: readonly Check[];
  /** Undefined if the service was not reached. */
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
const UNREACHED: ReadonlySet<Step> = new Set(['proxy', 'DNS', 'TCP', 'TLS']);
const CLOCK_TOLERANCE_MS = 60_000;
const EXPIRED_HINT =
  'if the clock of this machine is right, the accepting side has to renew that certificate; `linkgrant serve` does for its own';

/** Connects to the service as a redemption does, with its CA pin, and queries the state of the grant; spends no use. */
export async function routeChecks(
  token: RedeemableToken,
  options: LinkDialOptions,
  prefix = '',
): Promise<RouteChecks> {
  const url = new URL(token.url);
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const port = Number(url.port) || 443;
  const answer = await checkToken(token, options).catch((error: unknown) => {
    if (error instanceof RedemptionError) return error;
    throw error;
  });
  // Without a connection there is no certificate, and a second attempt would only wait for another time-out.
  const unreached = answer instanceof RedemptionError && UNREACHED.has(FAILED_STEP[answer.code] ?? 'clock');
  const shown = unreached ? undefined : await findShownCertificate({ host, port }, options);
  const failed = answer instanceof RedemptionError ? failedStep(answer, shown, token.ca, options) : undefined;
  const details = passedDetails(url, host, port, shown);
  const checks: Check[] = [];
  for (const step of stepsBefore(failed, options.proxy !== undefined)) {
    checks.push(ok(prefix + step, details[step]));
  }
  if (failed === undefined) return { checks: [...checks, ...clockCheck(answer, prefix, options)], answer };
  const error = answer as RedemptionError;
  const { hint, exitCode } = adviceFor(error.code);
  return {
    checks: [
      ...checks,
      fail(prefix + failed, error.message, failed === 'validity' ? EXPIRED_HINT : hint, exitCode),
    ],
  };
}

function failedStep(
  { code }: RedemptionError,
  shown: string | undefined,
  ca: RedeemableToken['ca'],
  { clock }: LinkDialOptions,
): Step | undefined {
  const step = FAILED_STEP[code];
  if (step !== 'CA pin' || shown === undefined || typeof ca !== 'string') return step;
  try {
    const { notBefore, notAfter } = describeCertificate(shown);
    const now = clock();
    const isOutside = now > notAfter || now < notBefore;
    // Verify at a moment within its validity: if the CA signed it, only the time is wrong.
    const within = Math.min(Math.max(now, notBefore), notAfter);
    return isOutside && verificationProblem(shown, ca, within) === undefined ? 'validity' : step;
  } catch {
    return step;
  }
}

function stepsBefore(failed: Step | undefined, proxied: boolean): Exclude<Step, 'clock'>[] {
  const opening: Exclude<Step, 'clock'>[] =
    failed === 'DNS' || failed === 'TCP' || (!proxied && failed !== 'proxy') ? ['DNS', 'TCP'] : ['proxy'];
  const order: Step[] = [...opening, 'TLS', 'CA pin', 'validity', 'name', 'clock'];
  const all: Exclude<Step, 'clock'>[] = [...opening, 'TLS', 'CA pin', 'validity', 'name'];
  if (failed === undefined) return all;
  // If the clock is outside the certificate's validity, the name was not checked.
  const until = failed === 'clock' ? order.indexOf('validity') : order.indexOf(failed);
  return all.slice(0, until);
}

function passedDetails(
  url: URL,
  host: string,
  port: number,
  shown: string | undefined,
): Readonly<Record<Exclude<Step, 'clock'>, string>> {
  let end = 'the certificate is valid';
  try {
    if (shown !== undefined)
      end = `the certificate is valid until ${formatTime(describeCertificate(shown).notAfter)}`;
  } catch {}
  return {
    proxy: `a connection to ${url.host} was opened, through the proxy unless NO_PROXY exempts it`,
    DNS: `${host} resolves`,
    TCP: `port ${port} takes connections`,
    TLS: 'TLS 1.3 is offered',
    'CA pin': 'the certificate comes from the CA that is trusted, and no other',
    validity: end,
    name: `the certificate is for ${host}`,
  };
}

function clockCheck(answer: RouteChecks['answer'], prefix: string, { clock }: LinkDialOptions): Check[] {
  if (typeof answer !== 'object' || answer instanceof RedemptionError) return [];
  const difference = Math.round((answer.serverTime - clock()) / 1_000);
  const seconds = Math.abs(difference);
  const detail = `this machine is ${seconds} s ${difference >= 0 ? 'behind' : 'ahead of'} the service`;
  if (seconds * 1_000 <= CLOCK_TOLERANCE_MS) return [ok(`${prefix}clock`, detail)];
  return [fail(`${prefix}clock`, detail, 'set both clocks: certificates and grants are judged by them', 4)];
}
