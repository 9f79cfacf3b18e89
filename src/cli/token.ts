import { randomBytes } from 'node:crypto';
import { CommandError } from './command-error.js';
import { parseCount, readCode, requireResourceName } from './flag-values.js';
import { type GrantCreateFlags, makeGrant, requireGrant } from './grant.js';
import { withStore } from './store-session.js';
import { writeToken } from './token-output.js';

/** The flags of `token issue`, as they were typed: those of a new grant, or `grant` with `codeFile`. */
export interface TokenIssueFlags extends GrantCreateFlags {
  readonly grant?: string;
  readonly name?: string;
  readonly linkCost?: string;
}

/** Writes a token: of a new grant, or of `--grant` with the code that was kept when that was made. */
export async function issueCommand(target: string, flags: TokenIssueFlags): Promise<void> {
  const linkCost = parseCount('--link-cost', flags.linkCost);
  const { name } = flags;
  if (name !== undefined) requireResourceName('--name', name);
  await withStore(flags, async (session) => {
    if (flags.grant === undefined) {
      const made = await makeGrant(name ?? `link-${randomBytes(4).toString('hex')}`, flags, session);
      return writeToken(made, target, { name, linkCost }, session);
    }
    const unusable = flags.redemptionsAllowed !== undefined || flags.expirationWindow !== undefined;
    if (flags.codeFile === undefined || unusable) {
      throw new CommandError(`a token of grant "${flags.grant}" needs its code, and has its limits`, {
        exitCode: 2,
        hint: 'give --code-file alone, with the code that `linkgrant grant create` showed; without --grant a grant is made',
      });
    }
    const grant = await requireGrant(session.store, session.namespace, flags.grant);
    const code = readCode(flags.codeFile);
    return writeToken({ grant, code }, target, { name, linkCost, keepGrant: true }, session);
  });
}
