import { isIdentityJti, isTokenId } from '../../codes/code-id.js';
import { codeMatches } from '../../codes/opaque-code.js';
import type { SignedCode } from '../../codes/signed-code.js';
import { grantSigningKey } from '../../codes/signing-keys.js';
import { type AccessGrant, grantState, hasGrantEnded } from '../../domain/access-grant.js';
import { type AccessToken, accessTokenResource } from '../../domain/access-token.js';
import { AdministrationError } from '../../domain/administration-error.js';
import type { LinkEndpoint } from '../../domain/link.js';
import { formatTime } from '../../domain/rfc3339.js';
import { shell } from '../../domain/shell-words.js';
import { IDENTITY_LIMITS } from '../accepting/identities/prove-identity.js';
import { joinLineOf, pinnedCaSha256 } from '../accepting/join-line-of.js';
import { type MintedToken, type MintingKey, mintToken } from '../accepting/mint-token.js';
import { proveSignature } from '../accepting/prove-code.js';
import { signingMasterKey } from '../accepting/rotate-code-keys.js';
import type { ListedCode } from '../ports/code-store.js';
import type { GrantStore, ListedRedemption } from '../ports/grant-store.js';
import { everyItem, type PageRequest } from '../ports/page.js';
import type { Administration, IssueTokenRequest, OnceOnly, TokenFilter } from './administration.js';
import { type AdministrationDependencies, requireAccess, requireGrant } from './dependencies.js';
import { filteredPage } from './filtered-page.js';
import { onceOnly, outcomeGone, signingKeysError } from './once-only.js';
import { type IssuedToken, tokenReport } from './reports/token-report.js';
import { rejectedError, requireValidNames, windowOf } from './request-values.js';
import { type SignedTokenRequest, signedTokenRequest } from './signed-token-request.js';

/** Operations on the tokens of a store's grants. */
export function tokenOperations(
  deps: AdministrationDependencies,
): Pick<Administration, 'issueToken' | 'listTokens' | 'revokeToken'> {
  const { store, clock } = deps;
  return {
    async issueToken(request, once) {
      requireValidNames(request, 'token');
      const grant = await requireGrant(request.grantUid, deps);
      if (request.code !== undefined) return issueWithCode(request, request.code, grant, deps);
      return issueSigned(await signedTokenRequest(request, grant, store), grant, once, deps);
    },
    listTokens: (page) => listTokenPage(page, deps),
    async revokeToken(grantUid, id) {
      if (!isTokenId(id)) throw rejectedError('the id is not that of a token');
      const grant = await requireGrant(grantUid, deps);
      const now = clock();
      const known = (await store.findCode(grantUid, id)) !== undefined;
      // A search that fails must not prevent the revocation of a leaked token.
      const other = known
        ? undefined
        : await findGrantOfToken(id, grant.namespace, store).catch(() => undefined);
      if (other) {
        throw new AdministrationError(
          'value_rejected',
          `token ${id} belongs to grant "${other.name}", not to "${grant.name}"`,
          { hint: `name grant "${other.name}"` },
        );
      }
      const code = {
        grantUid,
        jti: id,
        uses: grant.redemptionsAllowed,
        expirationTime: grant.expirationTime ?? now + grant.expirationWindowMs,
        ...(isIdentityJti(id) && IDENTITY_LIMITS),
      };
      const outcome = await store.revokeCode(code, now);
      const isLinked = ({ jti, revokedAt }: ListedRedemption) => jti === id && revokedAt === null;
      const redemptions = await everyItem((page) => store.listRedemptions({ ...page, grantUid }, isLinked));
      const links = redemptions.map(({ id, name, subject }) => ({ id, name, subject }));
      return { id, grantUid, outcome, known, links };
    },
  };
}

/** Returns the grant of the namespace for which the service issued a token of that id; undefined if there is none. */
async function findGrantOfToken(id: string, namespace: string, store: GrantStore) {
  for (const code of await everyItem((page) => store.listCodes({ ...page, jti: id }))) {
    // Another record was created by a revocation, perhaps with the wrong grant, or by the redemption of a token whose id was
    // chosen by the holder of a grant's signing key.
    if (code.issuedAt === null) continue;
    const grant = code.grant === undefined ? await store.findGrant(code.grantUid) : code.grant;
    if (grant?.namespace === namespace) return grant;
  }
  return undefined;
}

/**
 * Returns what all tokens of `grant` contain, and the endpoints of their links. Throws AdministrationError if these tokens
 * could not be redeemed.
 */
async function requireIssuable(grant: AccessGrant, deps: AdministrationDependencies) {
  const { endpoints, siteUid, service } = await requireAccess(grant, deps);
  const { uid, name, expirationTime } = grant;
  const state = grantState(grant, deps.clock());
  // A grant stays pending while its site has no endpoints: report that cause, not the state.
  if (endpoints.length === 0 && !hasGrantEnded(state)) {
    throw new AdministrationError(
      'no_link_access',
      'the site accepts no links, so a token could not be redeemed',
    );
  }
  if (expirationTime === null || state !== 'ready')
    throw new AdministrationError(
      'grant_state',
      `grant "${name}" is ${state}, so its tokens could not be redeemed`,
      state === 'exhausted'
        ? {
            hint: shell`allow more with \`linkgrant grant update ${name} --redemptions-allowed N\`, or create another grant`,
          }
        : {},
    );
  const issuerSite = siteUid === null ? {} : { issuerSite: siteUid };
  return {
    endpoints,
    common: { url: `${service.url}/${uid}`, ca: service.ca, expirationTime, ...issuerSite },
  };
}

/**
 * Returns the key for signed tokens of `grant`, and the endpoints of their links. Throws AdministrationError if such a token
 * could not be redeemed.
 */
export async function requireMintingKey(
  grant: AccessGrant,
  deps: AdministrationDependencies,
): Promise<{ readonly key: MintingKey; readonly endpoints: readonly LinkEndpoint[] }> {
  const { endpoints, common } = await requireIssuable(grant, deps);
  const { uid, namespace, name, redemptionsAllowed } = grant;
  const master = await signingMasterKey(deps.store, deps.codeKeys);
  if (!master) throw signingKeysError();
  const signingKey = grantSigningKey(master, uid);
  const key = { grant: { uid, namespace, name }, redemptionsAllowed, ...common, signingKey };
  return { key, endpoints };
}

async function issueSigned(
  request: SignedTokenRequest,
  grant: AccessGrant,
  once: OnceOnly | undefined,
  deps: AdministrationDependencies,
): Promise<IssuedToken> {
  const { key, endpoints } = await requireMintingKey(grant, deps);
  const { name, linkCost, subject, keySha256, replaces } = request;
  const limits = { uses: request.redemptionsAllowed, windowMs: windowOf(request.expirationWindow) };
  const wanted = { name, linkCost, subject, keySha256, replaces, ...limits };
  const minted = await mintToken(key, wanted, deps.clock);
  if ('problem' in minted)
    throw new AdministrationError('grant_state', `the token was not issued: ${minted.problem}`, {
      member: minted.member,
    });
  const { token, code } = once ? await mintOnce(minted, request, once, deps) : minted;
  const { grantUid, jti, uses, expirationTime, issuedAt } = code;
  await deps.store.createCode({
    grantUid,
    jti,
    uses,
    expirationTime,
    issuedAt,
    subject: code.subject ?? null,
    used: 0,
    revokedAt: null,
  });
  return issuedToken(token, grant, endpoints, code);
}

/** Returns `minted`, or the token that an earlier request with the same `Idempotency-Key` created. */
async function mintOnce(
  minted: MintedToken,
  request: IssueTokenRequest,
  once: OnceOnly,
  deps: AdministrationDependencies,
): Promise<MintedToken> {
  const choose = () => ({ createdId: minted.code.jti, code: minted.token.code });
  const { createdId, code: text } = await onceOnly({ kind: 'token', once, request }, choose, deps);
  if (createdId === minted.code.jti) return minted;
  const code = await proveSignature(Buffer.from(text), minted.code.grantUid, deps.codeKeys);
  if (!code) throw outcomeGone();
  const { expirationTime, uses: redemptionsAllowed } = code;
  return { token: { ...minted.token, code: text, expirationTime, redemptionsAllowed }, code };
}

/** Issues a token with the grant's own code, and so without limits of its own. */
async function issueWithCode(
  request: IssueTokenRequest,
  code: string,
  grant: AccessGrant,
  deps: AdministrationDependencies,
): Promise<IssuedToken> {
  const { redemptionsAllowed, expirationWindow, subject, request: csr, replaces } = request;
  const limits = [redemptionsAllowed, expirationWindow, subject, csr, replaces];
  if (limits.some((limit) => limit !== undefined))
    throw rejectedError(
      `a token with the code of grant "${grant.name}" cannot have limits, a subject or a key of its own, or replace a link`,
    );
  const { endpoints, common } = await requireIssuable(grant, deps);
  if (!codeMatches(grant.codeHash, grant.uid, Buffer.from(code))) {
    throw new AdministrationError(
      'grant_state',
      `the token was not issued: the code is not that of grant "${grant.name}"`,
    );
  }
  const { linkCost } = request;
  const token: AccessToken = {
    ...common,
    name: request.name ?? grant.name,
    code,
    ...(linkCost !== undefined && { linkCost }),
    redemptionsAllowed: grant.redemptionsAllowed,
  };
  return issuedToken(token, grant, endpoints);
}

function issuedToken(
  token: AccessToken,
  grant: AccessGrant,
  endpoints: readonly LinkEndpoint[],
  { jti: id, subject, keySha256, replaces }: Partial<SignedCode> = {},
): IssuedToken {
  const { expirationTime, redemptionsAllowed = grant.redemptionsAllowed } = token;
  const joinLine = joinLineOf(token);
  return {
    ...(id !== undefined && { id }),
    grantUid: grant.uid,
    redemptionsAllowed,
    ...(expirationTime !== undefined && { expirationTime: formatTime(expirationTime) }),
    ...(subject !== undefined && { subject }),
    ...(keySha256 !== undefined && { keySha256, caSha256: pinnedCaSha256(token.ca) }),
    ...(replaces !== undefined && { replaces }),
    endpoints,
    redemptionsLeft: grant.redemptionsAllowed - grant.redemptions,
    token: accessTokenResource(token),
    ...(joinLine !== undefined && { joinLine }),
  };
}

async function listTokenPage(
  { namespace, grantUid, state, ...page }: PageRequest & TokenFilter,
  { store, clock }: AdministrationDependencies,
) {
  const now = clock();
  // The codes of one grant follow each other, so each grant is read once.
  let cached: { readonly uid: string; readonly grant: AccessGrant | undefined } | undefined;
  const grantOf = async ({ grant, grantUid: uid }: ListedCode) => {
    if (grant !== undefined) return grant;
    if (cached?.uid !== uid) cached = { uid, grant: await store.findGrant(uid) };
    return cached.grant;
  };
  return filteredPage(
    page,
    (part) => store.listCodes({ ...part, grantUid }),
    async (code) => {
      const grant = await grantOf(code);
      if (!grant || (namespace !== undefined && grant.namespace !== namespace)) return undefined;
      const report = tokenReport(grant, code, now);
      return state === undefined || report.state === state ? report : undefined;
    },
  );
}
