import { containsRequestLine } from '../../codes/request-line.js';
import { readSignedCode } from '../../codes/signed-code.js';
import { queryToken } from '../../compose/token-redemption.js';
import { commandContext } from '../../config/command-context.js';
import { stateWords } from '../../domain/access-grant.js';
import { mayContainAccessToken, needsIdentity, type RedeemableToken } from '../../domain/access-token.js';
import { formatEndpoint } from '../../domain/host-port-text.js';
import { formatPolicySettings } from '../../redemption/accepting/policy-settings.js';
import {
  containsCertificateRequest,
  readCertificateRequest,
} from '../../redemption/administration/token-request.js';
import type { TokenCheck } from '../../redemption/ports/redemption-client.js';
import { boundKeyOf } from '../../redemption/requesting/redemption-key.js';
import { type ConnectionFlags, connectionOptions } from '../flags/connection-flags.js';
import { readToken } from '../flags/flag-values.js';
import { policyFields } from '../grant/grant-fields.js';
import { CommandError, usageError } from '../terminal/command-error.js';
import { adviceFor } from '../terminal/exit-codes.js';
import { fields, formatFingerprint, formatTime, print } from '../terminal/output.js';
import type { OutputFormat } from '../terminal/output-format.js';
import { parseToken } from './token-file.js';
import { caReport } from './token-fingerprints.js';
import { adviceForState } from './token-state-advice.js';

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

/** Reports the claims of a signed code, whose signature is not verified here; undefined for another code. */
function signedReport(code: string) {
  const signed = readSignedCode(code);
  if (!signed) return undefined;
  const { jti, uses, expirationTime, issuedAt, subject, keySha256, replaces } = signed;
  return {
    id: jti,
    redemptionsAllowed: uses,
    expirationTime: formatTime(expirationTime),
    issuedAt: formatTime(issuedAt),
    ...(subject !== undefined && { subject }),
    ...(keySha256 !== undefined && { keySha256 }),
    ...(replaces !== undefined && { replaces }),
  };
}

/**
 * `token inspect`: prints a token without its code, and with `--check` the state that its service reports; or prints the certificate
 * request for a token.
 */
export async function tokenInspectCommand(file: string, flags: TokenInspectFlags): Promise<void> {
  const text = containsRequestLine(file) ? file : await readToken(file);
  if (containsCertificateRequest(text) && !mayContainAccessToken(text)) return inspectRequest(text, flags);
  const token = parseToken(text);
  const ca = caReport(token.ca);
  const signed = signedReport(token.code);
  if (flags.check) requireCode(token);
  const answer = flags.check ? await queryToken(token, connectionOptions(flags)) : undefined;
  const check = checkReport(answer);
  const { name, url, linkCost, expirationTime, redemptionsAllowed, issuerSite } = token;
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
      ['Replaces', signed?.replaces],
      ...(signed?.keySha256 === undefined ? [] : keyFields(signed.keySha256)),
      [
        'Code',
        needsIdentity(token) ? 'none, and so no secret: a site redeems it with its identity' : undefined,
      ],
      ['Issuer site', issuerSite],
      ...(check ? checkFields(check) : []),
    ]),
  );
  if (answer === undefined || answer === 'stock') return;
  requireRedeemable(answer, signed !== undefined);
  requireStart(answer);
}

function keyFields(keySha256: string): (readonly [string, string])[] {
  return [
    ['Key SHA-256', formatFingerprint(keySha256)],
    ['Code', 'no secret: only the site with this key can redeem it'],
  ];
}

/** Prints the only certificate request in a text. */
async function inspectRequest(text: string, { check, output }: TokenInspectFlags): Promise<void> {
  if (check) throw usageError('--check is for a token, and this is a certificate request', 'omit --check');
  const { commonName, keyType, keySha256 } = readCertificateRequest(text);
  const value = { ...(commonName !== undefined && { subject: commonName }), keyType, keySha256 };
  await print(output, { request: value }, () =>
    fields([
      ['Certificate request for', commonName ?? 'no subject that is one common name'],
      ['Key type', keyType],
      ['Key SHA-256', formatFingerprint(keySha256)],
    ]),
  );
}

/** Throws a CommandError if the state of a token can be queried only on its site. */
function requireCode(token: RedeemableToken): void {
  if (needsIdentity(token)) {
    throw usageError(
      'the line has no code: its state can be queried only with the identity of a site',
      'run `linkgrant doctor --token LINE --identity-token-file FILE` on the site, or omit --check',
    );
  }
  if (boundKeyOf(token) === undefined) return;
  throw usageError(
    'the token is bound to a key: its state can be queried only where the request was made',
    'run `linkgrant doctor --token FILE` there, with the same --data-dir or --namespace, or omit --check',
  );
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
    ['State', stateWords(check.state)],
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
    `the token cannot be redeemed: ${stateWords(state)}, ${redemptions} of ${redemptionsAllowed} uses spent`,
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
