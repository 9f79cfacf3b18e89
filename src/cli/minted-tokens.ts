import type { SignedCode } from '../codes/signed-code.js';
import { encodeAccessToken } from '../domain/access-token-resource.js';
import { isSubject } from '../domain/names.js';
import { type MintedToken, type MintingKey, mintToken, type TokenOrder } from '../redemption/mint-token.js';
import { CommandError } from './command-error.js';
import { parseCount, parseWindow, requireResourceName } from './flag-values.js';
import { limitsOf, tokenDirectory, writeSecretOutput } from './write-token.js';

const MOST_TOKENS = 1_000;

/** The flags of a signed token, as they were typed. */
export interface SignedTokenFlags {
  readonly name?: string;
  readonly linkCost?: string;
  readonly redemptionsAllowed?: string;
  readonly expirationWindow?: string;
  readonly subject?: string;
  /** That many tokens, into a directory. */
  readonly count?: string;
}

/** Tokens that are to be made: `target` is a directory where `count` is given, else a file or `-`. */
export interface MintingRequest extends TokenOrder {
  readonly target: string;
  readonly count: number | undefined;
}

/** What the flags ask for. Throws a CommandError for what cannot be. */
export function mintingRequest(target: string, flags: SignedTokenFlags): MintingRequest {
  const { name, subject } = flags;
  if (name !== undefined) requireResourceName('--name', name);
  if (subject !== undefined && !isSubject(subject)) {
    throw new CommandError('--subject cannot be what was given', {
      exitCode: 2,
      hint: 'use 1 to 253 printable characters',
    });
  }
  const count = parseCount('--count', flags.count);
  if (count !== undefined && (count > MOST_TOKENS || target === '-')) {
    throw new CommandError('--count makes at most 1000 tokens at once, in a directory', {
      exitCode: 2,
      hint: 'name a directory, and run it again for more',
    });
  }
  return {
    target,
    count,
    name,
    subject,
    linkCost: parseCount('--link-cost', flags.linkCost),
    uses: parseCount('--redemptions-allowed', flags.redemptionsAllowed),
    windowMs: parseWindow('--expiration-window', flags.expirationWindow),
  };
}

/**
 * Makes the tokens, has each recorded with `record` before it is handed out, writes them, and says on standard error what
 * they carry, and `notes` beside, each a line. Where one cannot be written, `withdraw` is told of it.
 */
export async function handOutTokens(
  key: MintingKey,
  request: MintingRequest,
  {
    notes = [],
    record = async () => {},
    withdraw = async () => {},
  }: {
    readonly notes?: readonly string[];
    readonly record?: (code: SignedCode) => Promise<void>;
    readonly withdraw?: (code: SignedCode) => Promise<void>;
  } = {},
): Promise<void> {
  const { target, count, subject } = request;
  const inDirectory = count === undefined ? undefined : tokenDirectory(target);
  const told: string[] = [];
  let last: MintedToken | undefined;
  for (let made = 0; made < (count ?? 1); made += 1) {
    last = await mint(key, request);
    const { token, code } = last;
    await record(code);
    try {
      if (inDirectory) told.push(`Token ${code.jti} written to ${inDirectory(token)}\n`);
      else {
        await writeSecretOutput(target, encodeAccessToken(token), 'AccessToken');
        told.push(target === '-' ? `Token ${code.jti}\n` : `Token ${code.jti} written to ${target}\n`);
      }
    } catch (error) {
      process.stderr.write(told.join(''));
      await withdraw(code);
      throw error;
    }
  }
  if (!last) return;
  const { name, namespace } = key.grant;
  told.push(
    `Redeemed at ${last.token.url}\n`,
    `Can be redeemed ${limitsOf(last.token)}${subject === undefined ? '' : `, for subject "${subject}" alone`}\n`,
    ...notes.map((note) => `${note}\n`),
    `Revoked with \`linkgrant token revoke ${count === undefined ? last.code.jti : 'ID'} --grant ${name} -n ${namespace}\`\n`,
  );
  process.stderr.write(told.join(''));
}

async function mint(key: MintingKey, order: TokenOrder): Promise<MintedToken> {
  const minted = await mintToken(key, order, Date.now);
  if (!('rejected' in minted)) return minted;
  throw new CommandError(`the token was not made: ${minted.rejected}`, {
    exitCode: 1,
    hint: 'see `linkgrant grant list` on the side of the service',
  });
}
