import type { MintTokenRequest } from '../../redemption/accepting/mint-token.js';
import { CommandError } from '../terminal/command-error.js';
import { parseCount, parseWindow, requireResourceName, requireSubject } from '../terminal/flag-values.js';
import { writeStderr } from '../terminal/write-out.js';
import { type TokenDelivery, tokenText, type WritableToken } from './token-forms.js';
import { writeNextStep } from './token-output.js';
import { limitsOf, tokenDirectory, writeSecretOutput } from './write-token.js';

const MAX_TOKENS = 1_000;

/** The flags of a signed token. */
export interface SignedTokenFlags {
  readonly name?: string;
  readonly linkCost?: string;
  readonly redemptionsAllowed?: string;
  readonly expirationWindow?: string;
  readonly subject?: string;
  /** Number of tokens, which go into a directory. */
  readonly count?: string;
}

/** Tokens to issue; `target` is a directory if there is a `count`, else a file or `-`. */
export interface MintingRequest extends MintTokenRequest, TokenDelivery {
  readonly count: number | undefined;
}

/** Returns the tokens that the flags request. Throws a CommandError for an invalid flag. */
export function mintingRequest(delivery: TokenDelivery, flags: SignedTokenFlags): MintingRequest {
  const { name, subject } = flags;
  if (name !== undefined) requireResourceName('--name', name);
  if (subject !== undefined) requireSubject(subject);
  const count = parseCount('--count', flags.count);
  if (count !== undefined) requireCountable(count, delivery);
  return {
    ...delivery,
    count,
    name,
    subject,
    linkCost: parseCount('--link-cost', flags.linkCost),
    uses: parseCount('--redemptions-allowed', flags.redemptionsAllowed),
    windowMs: parseWindow('--expiration-window', flags.expirationWindow),
  };
}

function requireCountable(count: number, { target, form, qr }: TokenDelivery): void {
  const isWritable = target === '-' ? form === 'line' || form === 'command' : form === 'token';
  if (count <= MAX_TOKENS && isWritable && !qr) return;
  throw new CommandError(
    '--count makes at most 1000 tokens at once: AccessTokens in a directory, or join lines on standard output',
    { exitCode: 2, hint: 'name a directory, or leave out FILE for lines; run it again for more' },
  );
}

/** A signed token to write, and what it allows. */
export interface HandedToken extends WritableToken {
  readonly id: string;
  readonly redemptionsAllowed: number;
  readonly expirationTime: string;
  /** More lines of the report. */
  readonly notes: readonly string[];
}

/**
 * Issues the requested tokens, writes them, and reports on standard error what they allow and how to revoke one. Calls
 * `revoke` with a token that cannot be written. A dry run reports only what a token would allow.
 */
export async function handOutTokens(
  request: TokenDelivery & Pick<MintingRequest, 'count' | 'subject'>,
  grant: { readonly name: string; readonly namespace: string },
  issue: () => Promise<HandedToken>,
  revoke: (id: string) => Promise<void> = async () => {},
): Promise<HandedToken | undefined> {
  const { target, form, dryRun, count, subject } = request;
  if (dryRun) {
    writeStderr(allowedText(await issue(), subject));
    return undefined;
  }
  const inDirectory = count === undefined || target === '-' ? undefined : tokenDirectory(target);
  const report: string[] = [];
  let last: HandedToken | undefined;
  for (let issued = 0; issued < (count ?? 1); issued += 1) {
    last = await issue();
    const { id, token } = last;
    try {
      if (inDirectory) {
        report.push(`Token ${id} written to ${inDirectory(token.metadata.name, tokenText('token', last))}\n`);
      } else {
        await writeSecretOutput(target, tokenText(form, last), 'AccessToken');
        report.push(target === '-' ? `Token ${id}\n` : `Token ${id} written to ${target}\n`);
      }
    } catch (error) {
      writeStderr(report.join(''));
      await revoke(id);
      throw error;
    }
  }
  if (!last) return undefined;
  report.push(
    allowedText(last, subject),
    `Revoke with \`linkgrant token revoke ${count === undefined ? last.id : 'ID'} --grant ${grant.name} -n ${grant.namespace}\`\n`,
  );
  writeStderr(report.join(''));
  await writeNextStep(request, last);
  return last;
}

/** Returns where a token can be redeemed, and how often, until when and by which subject. */
function allowedText(token: HandedToken, subject: string | undefined): string {
  return [
    `Redeem at ${token.token.spec.url}\n`,
    `Can be redeemed ${limitsOf(token)}${subject === undefined ? '' : `, only for subject "${subject}"`}\n`,
    ...token.notes.map((note) => `${note}\n`),
  ].join('');
}
