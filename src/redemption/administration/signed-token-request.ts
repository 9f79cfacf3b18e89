import type { AccessGrant } from '../../domain/access-grant.js';
import { AdministrationError } from '../../domain/administration-error.js';
import { isUuid } from '../../domain/names.js';
import type { Redemption } from '../../domain/redemption.js';
import { permitsKeyType, permitsName, permitsSubject } from '../accepting/check-policy.js';
import { findReplacement } from '../accepting/renew.js';
import type { GrantStore } from '../ports/grant-store.js';
import type { IssueTokenRequest } from './administration.js';
import { requireRedemption } from './redemption-operations.js';
import { rejectedError } from './request-values.js';
import { readTokenRequest } from './token-request.js';

/** A signed token to issue; `keySha256` is the key that it is bound to. */
export interface SignedTokenRequest extends IssueTokenRequest {
  readonly keySha256?: string;
}

/**
 * Returns the signed token that `request` describes: with `request.request` bound to its key, with `request.replaces` for the name and
 * the subject of that redemption. Rejects with AdministrationError if the token could not be redeemed.
 */
export async function signedTokenRequest(
  request: IssueTokenRequest,
  grant: AccessGrant,
  store: GrantStore,
): Promise<SignedTokenRequest> {
  const { redemptionsAllowed = 1, replaces } = request;
  if (redemptionsAllowed > 1 && (request.request !== undefined || replaces !== undefined)) {
    throw rejectedError(
      'a token that is bound to a key, or replaces a link, is for one site, so it can be redeemed once',
      'redemptionsAllowed',
    );
  }
  const named = replaces === undefined ? request : await withNamesOf(replaces, request, grant, store);
  const signed = { ...named, ...keyOf(named, grant) };
  if (signed.subject === undefined || permitsSubject(grant.policy, signed.subject)) return signed;
  throw new AdministrationError(
    'value_rejected',
    `grant "${grant.name}" does not allow the subject "${signed.subject}", so the token could not be redeemed`,
    {
      member: replaces === undefined ? 'subject' : 'replaces',
      hint:
        replaces === undefined
          ? 'choose a subject that the rules allow, or allow this one with --subjects'
          : 'use another grant, or allow this subject with --subjects',
    },
  );
}

/**
 * Returns a request with the name and the subject of the redemption that is replaced. Rejects with AdministrationError if this redemption
 * cannot be replaced; unless `isRepeated`, also if it was replaced before.
 */
export async function withNamesOf<T extends Pick<IssueTokenRequest, 'name' | 'subject'>>(
  replaces: string,
  request: T,
  grant: AccessGrant,
  store: GrantStore,
  isRepeated = false,
): Promise<T & { readonly name: string; readonly subject: string }> {
  if (!isUuid(replaces)) throw rejectedError('the id is not that of a redemption', 'replaces');
  if (request.subject !== undefined) {
    throw new AdministrationError(
      'value_rejected',
      'what replaces a link is for the subject of that link, so it cannot have another one',
      { member: 'subject', hint: 'omit the subject' },
    );
  }
  const replaced = await requireRedemption(replaces, store);
  await requireReplaceable(replaced, grant, store, isRepeated);
  const name = request.name ?? replaced.name;
  if (permitsName(grant.policy, name)) return { ...request, name, subject: replaced.subject };
  throw new AdministrationError(
    'value_rejected',
    `grant "${grant.name}" does not allow the link name "${name}"`,
    { member: 'replaces', hint: 'use another grant or --name, or allow this name with --names' },
  );
}

async function requireReplaceable(
  { id, namespace }: Redemption,
  grant: AccessGrant,
  store: GrantStore,
  isRepeated: boolean,
): Promise<void> {
  if (namespace !== grant.namespace) {
    throw new AdministrationError(
      'value_rejected',
      `redemption ${id} is of namespace "${namespace}", and grant "${grant.name}" of "${grant.namespace}"`,
      {
        member: 'replaces',
        hint: `use a grant of that namespace, or a new one: -n ${namespace} without --grant`,
      },
    );
  }
  const replacedBy = isRepeated ? undefined : await findReplacement(id, store);
  if (replacedBy === undefined) return;
  throw new AdministrationError(
    'value_rejected',
    `redemption ${id} was replaced by ${replacedBy}, which is the link of the site now`,
    { member: 'replaces', hint: `replace that one: --replaces ${replacedBy}` },
  );
}

/** Returns the key and the subject of a token for a certificate request; undefined for a token that is bound to no key. */
function keyOf(
  { request, subject }: IssueTokenRequest,
  grant: AccessGrant,
): Pick<SignedTokenRequest, 'subject' | 'keySha256'> | undefined {
  if (request === undefined) return undefined;
  const { keySha256, keyType, subject: chosen } = readTokenRequest(request, subject);
  if (permitsKeyType(grant.policy, keyType)) return { keySha256, subject: chosen };
  throw new AdministrationError(
    'value_rejected',
    `grant "${grant.name}" does not allow keys of the type ${keyType}, so the token could not be redeemed`,
    {
      member: 'request',
      hint: 'let the other site request a key that the rules allow, or allow this type with --key-types',
    },
  );
}
