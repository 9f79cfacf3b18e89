import type { Readable } from 'node:stream';
import { commandContext } from '../../config/command-context.js';
import { needsIdentity, type RedeemableToken } from '../../domain/access-token.js';
import { RedemptionError } from '../../domain/redemption-error.js';
import { readBoundedText } from '../../files/bounded-text.js';
import type { SiteIdentity, WantedAudience } from '../../redemption/requesting/identity-client.js';
import { usageError } from '../terminal/command-error.js';
import { runCommand } from '../terminal/run-command.js';

/** The flags for the identity of a site, which redeems tokens without a code. */
export interface IdentityFlags {
  readonly identityTokenFile?: string;
  readonly identityCommand?: string;
  readonly identityAudience?: string;
}

/** The names of {@link IdentityFlags}. */
export const IDENTITY_FLAGS = ['identityTokenFile', 'identityCommand', 'identityAudience'] as const;
const COMMAND_LIMIT_MS = 30_000;
const MIN_COMMAND_LIMIT_MS = 1_000;
// A token of at most 4 KiB, with white space around it.
const MAX_OUTPUT_BYTES = 64 * 1024;
const MAX_ERROR_LENGTH = 500;
const JWT = /eyJ[\w.-]+/g;

/** True if flags or variables name the identity of the site. */
export function hasIdentity(flags: IdentityFlags): boolean {
  const { tokenFile, command } = sourceOf(flags);
  return (tokenFile ?? command) !== undefined;
}

/**
 * Returns the identity that redeems a token; undefined for a token with a code. A command has at most 30 seconds, and no longer than
 * `remainingMs()`. Throws a CommandError for a token without a code if there is no identity, and for flags of an identity that
 * is not used.
 */
export function siteIdentity(
  token: RedeemableToken,
  flags: IdentityFlags,
  remainingMs: () => number = () => COMMAND_LIMIT_MS,
): SiteIdentity | undefined {
  if (!needsIdentity(token)) {
    if (IDENTITY_FLAGS.every((flag) => flags[flag] === undefined)) return undefined;
    throw usageError(
      'the token has a code, so no identity is used',
      'omit the flags --identity-…, or use a line without a code',
    );
  }
  const identity = identityOf(flags, remainingMs);
  if (identity) return identity;
  throw usageError(
    'this line has no code: the site needs an identity to redeem it',
    'add --identity-token-file FILE or --identity-command COMMAND, or ask the operator of the accepting site for a line with a code',
  );
}

/** Returns the identity that flags or variables name; undefined if they name none. Throws a CommandError if they name two. */
export function identityOf(
  flags: IdentityFlags,
  remainingMs: () => number = () => COMMAND_LIMIT_MS,
): SiteIdentity | undefined {
  const { tokenFile, command } = sourceOf(flags);
  const audience = flags.identityAudience ?? (commandContext().env.LINKGRANT_IDENTITY_AUDIENCE || undefined);
  if (tokenFile !== undefined && command !== undefined) {
    throw usageError('two identities are given', 'use --identity-token-file or --identity-command');
  }
  if (tokenFile !== undefined) return { audience, read: async () => readTokenFile(tokenFile) };
  if (command === undefined) return undefined;
  const limitMs = () => Math.max(MIN_COMMAND_LIMIT_MS, Math.min(COMMAND_LIMIT_MS, remainingMs()));
  return { audience, read: (wanted) => runTokenCommand(command, wanted, limitMs()) };
}

function sourceOf({ identityTokenFile, identityCommand }: IdentityFlags) {
  // A flag replaces both variables.
  if ((identityTokenFile ?? identityCommand) !== undefined)
    return { tokenFile: identityTokenFile, command: identityCommand };
  const { LINKGRANT_IDENTITY_TOKEN_FILE, LINKGRANT_IDENTITY_COMMAND } = commandContext().env;
  return {
    tokenFile: LINKGRANT_IDENTITY_TOKEN_FILE || undefined,
    command: LINKGRANT_IDENTITY_COMMAND || undefined,
  };
}

function readTokenFile(file: string): string {
  try {
    return readBoundedText(file);
  } catch (error) {
    throw missing(
      `The identity token cannot be read: ${file}: ${(error as { reason?: string }).reason}.`,
      error,
    );
  }
}

async function runTokenCommand(
  command: string,
  { audience, keySha256 }: WantedAudience,
  limitMs: number,
): Promise<string> {
  let [output, errors] = [() => '', () => ''];
  const run = await runCommand(command, limitMs, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...commandContext().env,
      LINKGRANT_IDENTITY_AUDIENCE: audience,
      LINKGRANT_IDENTITY_KEY_AUDIENCE: `${audience}#${keySha256}`,
    },
    onStart({ stdout, stderr }) {
      output = collect(stdout);
      errors = collect(stderr);
    },
  });
  if (output().length > MAX_OUTPUT_BYTES)
    throw missing('The identity command printed more than 64 KiB, which is no token.');
  if (run === 'done') return output();
  const reason = typeof run === 'object' ? run.failed : 'there is no /bin/sh';
  const said = errors().replace(JWT, '(token)').replace(/\s+/g, ' ').trim().slice(-MAX_ERROR_LENGTH);
  throw missing(`The identity command failed: ${reason}${said && `; it printed: ${said}`}.`);
}

/** Collects the text of a stream. Closes the stream when there is more than the maximum, so that the command cannot write more. */
function collect(stream: Readable | null): () => string {
  let text = '';
  stream?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    if (text.length > MAX_OUTPUT_BYTES) stream.destroy();
  });
  return () => text;
}

function missing(message: string, cause?: unknown): RedemptionError {
  return new RedemptionError('identity_missing', message, { cause });
}
