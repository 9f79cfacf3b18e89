import { readSignedCode } from '../../codes/signed-code.js';
import { queryToken } from '../../compose/token-redemption.js';
import { commandContext } from '../../config/command-context.js';
import type { RedeemableToken } from '../../domain/access-token.js';
import { formatEndpoint } from '../../domain/host-port-text.js';
import { describeCertificate } from '../../pki/certificate-info.js';
import { formatPolicySettings } from '../../redemption/accepting/policy-settings.js';
import type { TokenCheck } from '../../redemption/ports/redemption-client.js';
import { policyFields } from '../grant/grant-fields.js';
import { CommandError } from '../terminal/command-error.js';
import { type ConnectionFlags, connectionOptions } from '../terminal/connection-flags.js';
import { adviceFor, adviceForState } from '../terminal/exit-codes.js';
import { readToken } from '../terminal/flag-values.js';
import { fields, formatFingerprint, formatTime, print } from '../terminal/output.js';
import type { OutputFormat } from '../terminal/output-format.js';
import { parseToken } from './token-file.js';

/** The flags of `token inspect`; the connection flags apply only with `check`. */
export interface TokenInspectFlags extends ConnectionFlags {
  readonly check?: boolean;
  readonly output?: OutputFormat;
}

function checkReport(check: TokenCheck | 'stock' | undefined) {
  if (check === undefined) return undefined;
  if (check === 'stock') return { server: 'skupper', note: 'it does not report the state of a grant' };
  const { state, redemptions, redemptionsAllowed, expirationTime, endpoints, serverTime } = check;
  const policy = formatPolicySettings(check.policy);
  return {
    server: 'linkgrant',
    state,
    redemptions,
    redemptionsAllowed,
    ...(expirationTime !== null && { expirationTime: formatTime(expirationTime) }),
    endpoints: endpoints.map(formatEndpoint),
    ...(Object.keys(policy).length > 0 && { policy }),
    serverTime: formatTime(serverTime),
  };
}

/** Reports the CA that the certificate of the service is verified against: the value for JSON, and the fields of the text. */
function caReport(ca: RedeemableToken['ca']) {
  if (ca === undefined) {
    return { value: { source: 'system' }, fields: [['CA', 'those that Node trusts'] as const] };
  }
  if (typeof ca === 'object') {
    const fingerprint = `${formatFingerprint(ca.pin)}… (the service sends this CA)`;
    return { value: { sha256Prefix: ca.pin }, fields: [['CA SHA-256', fingerprint] as const] };
  }
  const { subject, sha256, notAfter } = describeCertificate(ca);
  return {
    value: { subject, sha256, notAfter: formatTime(notAfter) },
    fields: [
      ['CA', `${subject}, until ${formatTime(notAfter)}`] as const,
      ['CA SHA-256', formatFingerprint(sha256)] as const,
    ],
  };
}

/** Reports the claims of a signed code, whose signature is not verified here; undefined for another code. */
function signedReport(code: string) {
  const signed = readSignedCode(code);
  if (!signed) return undefined;
  const { jti, uses, expirationTime, issuedAt, subject } = signed;
  return {
    id: jti,
    redemptionsAllowed: uses,
    expirationTime: formatTime(expirationTime),
    issuedAt: formatTime(issuedAt),
    ...(subject !== undefined && { subject }),
  };
}

/** `token inspect`: prints a token without its code, and with `--check` the state that its service reports. */
export async function tokenInspectCommand(file: string, flags: TokenInspectFlags): Promise<void> {
  const token = parseToken(await readToken(file));
  const ca = caReport(token.ca);
  const answer = flags.check ? await queryToken(token, connectionOptions(flags)) : undefined;
  const check = checkReport(answer);
  const { name, url, linkCost, expirationTime, redemptionsAllowed, issuerSite } = token;
  const signed = signedReport(token.code);
  const value = {
    name,
    url,
    ca: ca.value,
    ...(linkCost !== undefined && { linkCost }),
    ...(redemptionsAllowed !== undefined && { redemptionsAllowed }),
    ...(expirationTime !== undefined && { expirationTime: formatTime(expirationTime) }),
    ...(issuerSite !== undefined && { issuerSite }),
    ...(signed && { signed }),
    ...(check && { check }),
  };
  await print(flags.output, value, () =>
    fields([
      ['Name', name],
      ['URL', url],
      ...ca.fields,
      ['Link cost', linkCost],
      ['Uses', redemptionsAllowed ?? signed?.redemptionsAllowed],
      ['Expires', endOf(expirationTime, commandContext().clock()) ?? signed?.expirationTime],
      ['Token id', signed?.id],
      ['For subject', signed?.subject],
      ['Issuer site', issuerSite],
      ...(check ? checkFields(check) : []),
    ]),
  );
  if (answer === undefined || answer === 'stock') return;
  requireRedeemable(answer, signed !== undefined);
  requireStart(answer);
}

function checkFields(
  check: NonNullable<ReturnType<typeof checkReport>>,
): (readonly [string, string | undefined])[] {
  if (!('state' in check)) {
    return [
      ['Server', check.server],
      ['State', check.note],
    ];
  }
  return [
    ['Server', check.server],
    ['State', check.state],
    ['Redemptions', `${check.redemptions} of ${check.redemptionsAllowed}`],
    ['Links to', check.endpoints.join(', ') || 'no endpoint yet'],
    ...policyFields(check.policy ?? {}),
    ['Server time', check.serverTime],
  ];
}

function requireRedeemable(
  check: Pick<TokenCheck, 'state' | 'redemptions' | 'redemptionsAllowed'>,
  isSigned: boolean,
): void {
  const { state, redemptions, redemptionsAllowed } = check;
  if (state === 'ready') return;
  const { exitCode, hint } = adviceForState(state, isSigned);
  const again =
    state === 'exhausted'
      ? '; a site that already redeemed it gets the same link again without spending a use, unless the link was revoked'
      : '';
  throw new CommandError(
    `the token cannot be redeemed: ${state}, ${redemptions} of ${redemptionsAllowed} uses spent`,
    { exitCode, hint: `${hint}${again}` },
  );
}

/** Throws if the rules refuse every redemption before a later time. */
function requireStart({ policy: { notBefore = 0 }, serverTime }: TokenCheck): void {
  if (notBefore <= serverTime) return;
  throw new CommandError(
    `the token cannot be redeemed before ${formatTime(notBefore)}`,
    adviceFor('not_yet_valid'),
  );
}

function endOf(expirationTime: number | undefined, now: number): string | undefined {
  if (expirationTime === undefined) return undefined;
  return `${formatTime(expirationTime)}${expirationTime <= now ? ' (expired, by the clock of this machine)' : ''}`;
}
