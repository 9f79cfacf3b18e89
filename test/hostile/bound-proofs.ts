import type { KeyObject } from 'node:crypto';
import { challengeOf } from '../../src/codes/signed-code.js';
import { encodePem } from '../../src/pki/pem.js';
import { createCertificateRequest } from '../../src/pki/requests.js';
import { mutateRequest } from '../fuzz/mutated-requests.mjs';
import { newKey } from '../support/redeemed-answer.js';
import type { HostileGrant, HostileService } from './hostile-service.js';
import { changeJws } from './jws-changes.js';
import type { HostileProof, ProofSource } from './proof-round.js';
import type { Chance } from './round.js';

const TOKENS = 24;

/** A token that is bound to a key, and what a client may present with it. */
interface BoundToken {
  readonly key: KeyObject;
  readonly subject: string;
  readonly code: string;
  /** DER of the request that the token was issued for. */
  readonly sent: Buffer;
  /** DER of the request that redeems the token. */
  readonly right: Buffer;
}

const csrOf = (key: KeyObject, subject: string, code?: string) =>
  Buffer.from(createCertificateRequest(key, subject, code === undefined ? undefined : challengeOf(code)));

async function issueBoundToken(
  service: HostileService,
  grantUid: string,
  subject: string,
): Promise<BoundToken> {
  const key = newKey();
  const sent = csrOf(key, subject);
  const json = { grantUid, request: encodePem('CERTIFICATE REQUEST', sent) };
  const response = await service.admin('POST', '/api/v1/tokens', { json });
  const { code } = JSON.parse(response.body).token.spec;
  return { key, subject, code, sent, right: csrOf(key, subject, code) };
}

/** Issues bound tokens of a new grant, and returns requests with mutated codes and CSRs of them. */
export async function boundProofs(service: HostileService): Promise<ProofSource> {
  const grant = await service.grant('bound', 1_000);
  const other = await service.grant('other', 1_000);
  const tokens: BoundToken[] = [];
  for (let number = 0; number < TOKENS; number += 1)
    tokens.push(await issueBoundToken(service, grant.uid, `site-${number}`));
  return { name: 'bound tokens', make: (_index, chance) => boundProof(tokens, grant, other, chance) };
}

function boundProof(
  tokens: readonly BoundToken[],
  grant: HostileGrant,
  other: HostileGrant,
  chance: Chance,
): HostileProof {
  const token = chance.pick(tokens);
  const stranger = chance.pick(tokens.filter((one) => one !== token)) as BoundToken;
  const { key, subject, code, sent, right } = token;
  // The code of the grant is not among them: it needs no proof of a key.
  const codes = [...tokens.filter((one) => one !== token).map((one) => one.code), other.signedCode];
  const operation = chance.pick(['', '/-/check']);
  const request = (body: string, csr: Buffer | undefined, kinds: readonly string[]): HostileProof => ({
    path: `/${grant.uid}${operation}`,
    body,
    headers: { name: subject, subject, ...(csr && { csr: csr.toString('base64') }) },
    kinds,
    key,
  });
  // Some changes have no effect, and the service ignores one line break at the end.
  const changed = () => {
    const { text, kind } = changeJws(code, codes, chance);
    return { text, kinds: text.replace(/\n$/, '') === code ? [] : [kind] };
  };
  return chance.pick<() => HostileProof>([
    () => request(chance.pick([code, `${code}\n`]), right, []),
    () => {
      const { text, kinds } = changed();
      return request(text, right, kinds);
    },
    () => {
      // The holder of the key changes the token.
      const { text, kinds } = changed();
      return request(text, csrOf(key, subject, text), kinds);
    },
    () => {
      const { der, kinds } = mutateRequest(right, chance);
      return { ...request(code, der, kinds), isMutatedCsr: true };
    },
    () => request(code, mutateRequest(sent, chance).der, ['the request that was sent, changed']),
    () => request(code, sent, ['the request that was sent']),
    () => request(code, undefined, ['no CSR']),
    () => request(code, csrOf(key, subject, stranger.code), ['a CSR for another code']),
    () => request(code, csrOf(newKey(), subject, code), ['a CSR of another key']),
    () => request(chance.pick(codes), right, ['another code']),
    () => ({
      ...request(code, right, ['another grant']),
      path: `/${chance.pick([other.uid, crypto.randomUUID(), 'default/other'])}${operation}`,
    }),
  ])();
}
