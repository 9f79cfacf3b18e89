import { shell } from '../../domain/shell-words.js';
import type { MintTokenRequest } from '../../redemption/accepting/mint-token.js';
import { readTokenRequest, type TokenRequest } from '../../redemption/administration/token-request.js';
import {
  parseCount,
  parseWindow,
  readRequest,
  requireResourceName,
  requireSubject,
} from '../flags/flag-values.js';
import { usageError } from '../terminal/command-error.js';
import { completeCommand } from '../terminal/suggested-command.js';
import { writeStderrLines } from '../terminal/write-out.js';
import { requireWritable, tokenDirectory, writeSecretOutput } from './secret-output.js';
import { secrecyLines } from './token-fingerprints.js';
import {
  limitsOf,
  type TokenDelivery,
  type TokenForm,
  tokenText,
  type WritableToken,
} from './token-forms.js';
import { writeNextStep } from './token-output.js';

const MAX_TOKENS = 1_000;
// The forms that linkgrant redeems where the key of a request is.
const BOUND_FORMS: readonly TokenForm[] = ['token', 'line', 'command'];

/** The flags of `token issue` for signed tokens. */
export interface SignedTokenFlags {
  readonly name?: string;
  readonly linkCost?: string;
  readonly redemptionsAllowed?: string;
  readonly expirationWindow?: string;
  readonly subject?: string;
  /** A certificate request, to whose key the token is bound: a file, a request line, or `-` for standard input. */
  readonly request?: string;
  /** The redemption whose link the token replaces: an id, the beginning of an id, or a subject. */
  readonly replaces?: string;
  /** Number of tokens: files in a directory, or join lines on standard output. */
  readonly count?: string;
}

/** Signed tokens to issue, and where they are written. */
export interface MintingRequest extends MintTokenRequest, TokenDelivery {
  /** The link that the token replaces, as the user names it. */
  readonly replaces?: string | undefined;
  /** PEM of the certificate request of the key that the token is bound to. */
  readonly requestPem?: string | undefined;
}

/** Returns the request that the flags describe. Rejects with CommandError, or AdministrationError for a certificate request. */
export async function mintingRequest(
  delivery: TokenDelivery,
  flags: SignedTokenFlags,
): Promise<MintingRequest> {
  const { name } = flags;
  if (name !== undefined) requireResourceName('--name', name);
  if (flags.subject !== undefined) requireSubject(flags.subject);
  if (flags.replaces !== undefined) requireOneLink(flags);
  const count = parseCount('--count', flags.count);
  if (count !== undefined) requireCountAllowed(count, delivery);
  const uses = parseCount('--redemptions-allowed', flags.redemptionsAllowed);
  const boundTo = flags.request === undefined ? undefined : await readBinding(flags.request, delivery, flags);
  return {
    ...delivery,
    count,
    name,
    // A link that is replaced has the subject.
    subject: flags.replaces === undefined ? (boundTo?.subject ?? flags.subject) : undefined,
    keySha256: boundTo?.keySha256,
    requestPem: boundTo?.pem,
    replaces: flags.replaces,
    linkCost: parseCount('--link-cost', flags.linkCost),
    uses,
    windowMs: parseWindow('--expiration-window', flags.expirationWindow),
  };
}

function requireOneLink({ count, redemptionsAllowed = '1', subject }: SignedTokenFlags): void {
  if (subject !== undefined) {
    throw usageError(
      '--subject cannot be combined with --replaces: the new link has the subject of the link that it replaces',
      'omit --subject',
    );
  }
  if (count === undefined && Number(redemptionsAllowed) === 1) return;
  throw usageError(
    'a token with --replaces is for one link and one redemption',
    'omit --count and --redemptions-allowed, and issue one token for each link',
  );
}

async function readBinding(
  request: string,
  { form }: TokenDelivery,
  { count, redemptionsAllowed = '1', replaces, subject = replaces }: SignedTokenFlags,
): Promise<TokenRequest> {
  if (count !== undefined || Number(redemptionsAllowed) > 1) {
    throw usageError(
      'a token with --request is for one site and one redemption',
      'omit --count and --redemptions-allowed, and issue one token for each request',
    );
  }
  if (!BOUND_FORMS.includes(form)) {
    throw usageError(
      `--print ${form} cannot be combined with --request: only linkgrant, where the request was made, can redeem the token`,
      `use --print ${BOUND_FORMS.join(', ')}, or omit it`,
    );
  }
  return readTokenRequest(await readRequest(request), subject);
}

function requireCountAllowed(count: number, { target, form, qr }: TokenDelivery): void {
  if (count > MAX_TOKENS) {
    throw usageError(
      `--count issues at most ${MAX_TOKENS} tokens at once`,
      'for more tokens repeat the command',
    );
  }
  const isAllowedForm = target === '-' ? form === 'line' || form === 'command' : form === 'token';
  if (isAllowedForm && !qr) return;
  throw usageError(
    '--count issues AccessTokens in a directory, or join lines on standard output',
    'name a directory, or omit FILE for join lines; omit --qr and other forms of --print',
  );
}

/** A signed token to write, and its limits. */
export interface SignedToken extends WritableToken {
  readonly id: string;
  readonly redemptionsAllowed: number;
  readonly expirationTime: string;
  /** The only subject that may redeem it; absent for any. */
  readonly subject?: string;
  /** More lines of the report. */
  readonly notes: readonly string[];
}

/**
 * Issues the requested tokens, writes them, and reports on standard error their limits and how to revoke one. Returns the last
 * token. Calls `revoke` with the id of a token that cannot be written, then rejects. A dry run writes nothing, and returns
 * undefined. The suggested command has those of the `flags` that it accepts.
 */
export async function writeSignedTokens(
  request: TokenDelivery,
  grant: { readonly name: string; readonly namespace: string },
  issue: () => Promise<SignedToken>,
  revoke: (id: string) => Promise<void> = async () => {},
  flags: Readonly<Record<string, unknown>> = {},
): Promise<SignedToken | undefined> {
  const { target, form, dryRun, count } = request;
  if (dryRun) {
    const token = await issue();
    requireWritable(target, 'AccessToken', count);
    writeStderrLines(limitLines(token));
    return undefined;
  }
  const writeFile = count === undefined || target === '-' ? undefined : tokenDirectory(target);
  const report: string[] = [];
  let last: SignedToken | undefined;
  for (let issued = 0; issued < (count ?? 1); issued += 1) {
    last = await issue();
    const { id, token } = last;
    try {
      if (writeFile) {
        report.push(`Token ${id} written to ${writeFile(token.metadata.name, tokenText('token', last))}`);
      } else {
        await writeSecretOutput(target, tokenText(form, last), 'AccessToken');
        report.push(target === '-' ? `Token ${id}` : `Token ${id} written to ${target}`);
      }
    } catch (error) {
      writeStderrLines(report);
      await revoke(id);
      throw error;
    }
  }
  if (!last) return undefined;
  const id = count === undefined ? last.id : 'ID';
  const revocation = shell`linkgrant token revoke ${id} --grant ${grant.name} -n ${grant.namespace}`;
  report.push(...limitLines(last), `Revoke with \`${completeCommand(revocation, flags)}\``);
  writeStderrLines(report);
  await writeNextStep(request, last, last.subject === undefined);
  return last;
}

/** Returns where a token can be redeemed, how often, until when, by which subject and with which key, as lines. */
function limitLines(token: SignedToken): readonly string[] {
  const { subject } = token;
  return [
    `Redeem at ${token.token.spec.url}`,
    `Can be redeemed ${limitsOf(token)}${subject === undefined ? '' : `, only for subject "${subject}"`}`,
    ...token.notes,
    ...secrecyLines(token.token.spec),
  ];
}
