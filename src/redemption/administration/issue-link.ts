import { requestCodeId } from '../../codes/code-id.js';
import type { AccessGrant } from '../../domain/access-grant.js';
import type { Actor } from '../../domain/actor.js';
import { AdministrationError } from '../../domain/administration-error.js';
import { RedemptionError, type RedemptionErrorCode } from '../../domain/redemption-error.js';
import { issueClientCertificate } from '../../pki/certificates.js';
import type { AcceptingSide } from '../accepting/accepting-side.js';
import { type RefusedRedemption, redeemProven } from '../accepting/redeem.js';
import type { GrantStore } from '../ports/grant-store.js';
import type { Administration, IssueLinkRequest } from './administration.js';
import { type AdministrationDependencies, requireGrant, requireService } from './dependencies.js';
import { issuedAnswer } from './reports/issued-answer.js';
import { requireValidNames } from './request-values.js';
import { withNamesOf } from './signed-token-request.js';
import { readTokenRequest } from './token-request.js';

// The CRD of Redemptions limits the address of a client to this many characters.
const MAX_PEER_LENGTH = 256;

/**
 * The operation that redeems a use of a grant for a certificate request, and returns the response for a file. The call of the
 * operator takes the place of a code, so nothing is signed: the key of the request identifies the code, and a repetition is a replay.
 */
export function linkIssuance(deps: AdministrationDependencies): Pick<Administration, 'issueLink'> {
  return {
    async issueLink(request) {
      const { replaces } = request;
      requireValidNames(request, 'link');
      const grant = await requireGrant(request.grantUid, deps);
      const read = readTokenRequest(request.request, request.subject ?? replaces);
      const { keySha256, pem } = read;
      const jti = requestCodeId(keySha256, replaces);
      const isRepeated = (await deps.store.findCode(grant.uid, jti)) !== undefined;
      const { name, subject } =
        replaces === undefined
          ? { name: request.name, subject: read.subject }
          : await withNamesOf(replaces, request, grant, deps.store, isRepeated);
      const ledgerWrites: Promise<unknown>[] = [];
      const parts = await acceptingSide(deps, ledgerWrites);
      const now = deps.clock();
      const signedCode = {
        jti,
        grantUid: grant.uid,
        uses: 1,
        issuedAt: now,
        expirationTime: grant.expirationTime ?? now + grant.expirationWindowMs,
        subject,
        keySha256,
        ...(replaces !== undefined && { replaces }),
      };
      const outcome = await redeemProven(
        { grant, signedCode },
        {
          code: new Uint8Array(),
          csr: pem.replace(/-----[A-Z ]+-----|\s/g, ''),
          name,
          subject,
          renews: false,
          receivedAt: performance.now(),
        },
        {
          peer: peerOf(deps.actor),
          isOperator: true,
          requestId: '',
          onProven: () => undefined,
          isConnected: async () => true,
        },
        parts,
      );
      await Promise.all(ledgerWrites);
      if ('redemption' in outcome) return issuedAnswer(outcome, keySha256);
      if ('refused' in outcome) throw refusedError(outcome, { ...request, subject }, grant);
      throw new RedemptionError('internal', 'The link was not issued.');
    },
  };
}

/** Returns what the ledger records in place of the address of a client. */
function peerOf({ actor }: Actor): string {
  return [...`operator:${actor}`].slice(0, MAX_PEER_LENGTH).join('');
}

/** Returns the parts for one redemption. Its attempts in the ledger are added to `ledgerWrites`: the store is closed after a command. */
async function acceptingSide(
  deps: AdministrationDependencies,
  ledgerWrites: Promise<unknown>[],
): Promise<AcceptingSide> {
  const service = await requireService(deps);
  const track = <T>(write: Promise<T>): Promise<T> => {
    ledgerWrites.push(write.catch(() => undefined));
    return write;
  };
  const { store, codeKeys, clock } = deps;
  const tracked: GrantStore = {
    ...store,
    recordRefusal: (...entry) => track(store.recordRefusal(...entry)),
    recordReplay: (...entry) => track(store.recordReplay(...entry)),
  };
  return {
    store: tracked,
    site: await deps.openSite(service),
    service: () => service,
    codeKeys,
    // A certificate request always has a key.
    keys: { type: 'p256', generate: async () => undefined },
    issueCertificate: issueClientCertificate,
    stockReplay: { windowMs: 0, bindSource: false },
    clock,
    checkpoint: () => undefined,
    onLedgerFailure: () => undefined,
  };
}

type Sentence = (grant: string, request: IssueLinkRequest) => string;

/** Why an operator gets no link, and the member of the request that is refused. */
const REFUSALS: Partial<Record<RedemptionErrorCode, readonly [Sentence, string?]>> = {
  policy_subject: [
    (grant, { subject }) => `grant "${grant}" does not allow the subject "${subject}"`,
    'subject',
  ],
  policy_name: [
    (grant, { name = grant }) => `grant "${grant}" does not allow the link name "${name}"`,
    'name',
  ],
  policy_key: [(grant) => `grant "${grant}" does not allow keys of this type`, 'request'],
  name_invalid: [() => 'the name is too long for a link to each endpoint', 'name'],
  grant_expired: [(grant) => `grant "${grant}" has expired`],
  grant_exhausted: [(grant) => `grant "${grant}" has no use left`],
  grant_revoked: [(grant) => `grant "${grant}" is revoked`],
  code_revoked: [() => 'the use of this request was revoked'],
  code_exhausted: [() => 'this request was answered before, and its link is no longer in the store'],
  redemption_revoked: [() => 'the link of this request was revoked'],
  not_yet_valid: [(grant) => `grant "${grant}" is not valid yet`],
};

const REVOKED_HINT =
  'the other site should delete the request, and create a new one with `linkgrant link request`';

function refusedError(
  { refused, reason, hint }: RefusedRedemption,
  request: IssueLinkRequest,
  { name: grant }: AccessGrant,
): Error {
  const [sentence, member] = REFUSALS[refused] ?? [];
  const text = sentence?.(grant, request);
  if (text !== undefined) {
    const code = member === undefined ? 'grant_state' : 'value_rejected';
    const isRevoked = refused === 'redemption_revoked' || refused === 'code_revoked';
    return new AdministrationError(code, `the link was not issued: ${text}`, {
      member,
      hint: isRevoked ? REVOKED_HINT : undefined,
    });
  }
  if (reason === undefined) return new RedemptionError(refused, 'The link was not issued.');
  return new AdministrationError('no_link_access', `the link was not issued: ${reason}`, { hint });
}
