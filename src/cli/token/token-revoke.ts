import { identityJti, isIdentityJti, isTokenId } from '../../codes/code-id.js';
import { isIdentitySubject, isProviderName } from '../../domain/names.js';
import type { Administration } from '../../redemption/administration/administration.js';
import { everyItem } from '../../redemption/ports/page.js';
import type { GrantFlags } from '../grant/grant-create.js';
import { withAdministration } from '../session/administration-session.js';
import { usageError } from '../terminal/command-error.js';
import { plain } from '../terminal/plain-text.js';
import { completeHint } from '../terminal/suggested-command.js';
import { writeOut } from '../terminal/write-out.js';

/** The flags of `token revoke`. */
export interface TokenRevokeFlags extends GrantFlags {
  /** Undefined for the grant in the service's record of the token. */
  readonly grant?: string;
  /** `PROVIDER:SUB` */
  readonly identity?: string;
}

/** `token revoke`: permanently revokes a signed token, even if the store has no record of the token yet, and prints its links. */
export async function tokenRevokeCommand(
  argument: string | undefined,
  flags: TokenRevokeFlags,
): Promise<void> {
  const id = flags.identity === undefined ? argument : idOfIdentity(flags.identity, argument, flags);
  if (id === undefined || !isTokenId(id)) {
    throw usageError(
      'the argument is not the id of a token',
      '`linkgrant token list` and `linkgrant token inspect FILE` show the id',
    );
  }
  await withAdministration(flags, async ({ administration, namespace }) => {
    const grant = flags.grant ?? (await grantOfToken(id, namespace, administration));
    const { uid, name } = await administration.findGrant(namespace, grant);
    const { outcome, known, links } = await administration.revokeToken(uid, id);
    // Without a record it is not known whether the token belongs to the grant, or whether the id is correct.
    const revoked = isIdentityJti(id)
      ? plain`Identity ${flags.identity ?? id} is revoked. It can no longer redeem grant "${name}".\n`
      : known
        ? plain`Token ${id} of grant "${name}" is revoked. It can no longer be redeemed.\n`
        : plain`The service has no record of token ${id}. It is refused from now on if it is a token of grant "${name}".\n`;
    await writeOut(
      [
        outcome === 'revoked' ? revoked : plain`Token ${id} of grant "${name}" was already revoked.\n`,
        links.length === 0
          ? 'No link was created with it.\n'
          : completeHint(
              `Links that were created with it stay valid: ${links.length}. To revoke one, run \`linkgrant redemption revoke ID\`:\n`,
              { ...flags },
            ),
        ...links.map((link) => plain`${link.id}  ${link.name}  ${link.subject}\n`),
      ].join(''),
    );
  });
}

/** Returns the id of the record of an identity. Throws a CommandError. */
function idOfIdentity(identity: string, id: string | undefined, { grant }: TokenRevokeFlags): string {
  const [, provider = '', sub] = /^([^:]*):(.*)$/s.exec(identity) ?? [];
  if (!isProviderName(provider) || !isIdentitySubject(sub))
    throw usageError(
      '--identity is not PROVIDER:SUB',
      'write the name of the provider, a colon and the sub, as `linkgrant token list` shows the subject of an identity',
    );
  if (grant === undefined || id !== undefined)
    throw usageError('--identity needs --grant, and no id of a token', 'name the grant with --grant NAME');
  return identityJti(provider, sub);
}

/**
 * Returns the uid of the grant for which the service issued a token. Throws a CommandError without a record of the token, and if
 * another grant may be meant: the holder of a grant's signing key chooses the ids of its tokens, also that of another token.
 */
async function grantOfToken(id: string, namespace: string, administration: Administration): Promise<string> {
  const tokens = await everyItem((page) => administration.listTokens({ ...page, namespace }));
  // Any other record was created by a revocation, perhaps with the wrong grant.
  const found = tokens.filter((one) => one.id === id && (one.issuedAt !== undefined || one.redemptions > 0));
  const [token] = found;
  if (!token) {
    throw usageError(
      `the service has no record of token ${id} in namespace "${namespace}"`,
      'name its grant with --grant NAME, or its namespace with -n; `linkgrant token list -A` lists the tokens with their grants',
    );
  }
  if (found.length === 1 && token.issuedAt !== undefined) return token.grantUid;
  const grants = found.map(({ grant, issuedAt }) =>
    issuedAt === undefined ? `grant "${grant}" (not issued by this service)` : `grant "${grant}"`,
  );
  throw usageError(
    `the id ${id} does not identify one token that this service issued; tokens with this id were recorded for ${grants.join(', ')}`,
    'name the grant of the token with --grant NAME',
  );
}
