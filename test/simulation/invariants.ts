import { GRANT_REVOKED } from '../../src/domain/labels.js';
import type { AccessGrantResource } from '../../src/platforms/kubernetes/grants/access-grant-resource.js';
import type { StoredCodeRecord } from '../../src/platforms/kubernetes/store/code-config-maps.js';
import type { RedemptionResource } from '../../src/platforms/kubernetes/store/redemption-resource.js';
import type { Change } from './simulated-api-server.js';

/** What must hold after every step. */
export type Invariant =
  /** No more redemptions are recorded than a grant, a code or an identity allows. */
  | 'uses'
  /** Each certificate that a client received has exactly one record. */
  | 'record'
  /** A repeated request returns the same certificate or a refusal, and is not refused for lack of uses. */
  | 'replay'
  /** Nothing is issued after a revocation was acknowledged, and what is revoked stays revoked. */
  | 'revocation'
  /** A use is counted only with a record, and a refused request counts none. */
  | 'count'
  /** The caches of each replica agree with the API server once it is quiet. */
  | 'cache'
  /** No operation waits for ever, and none fails any more after the failures around it have ended. */
  | 'end';

/** An invariant that did not hold. */
export class Violation extends Error {
  override readonly name = 'Violation';
  readonly invariant: Invariant;

  constructor(invariant: Invariant, message: string) {
    super(`${invariant}: ${message}`);
    this.invariant = invariant;
  }
}

/** One request of a client. */
export interface Attempt {
  /** Unique: the address of the client. */
  readonly peer: string;
  readonly uid: string;
  readonly jti: string | undefined;
  readonly startedAt: number;
  /** The same for requests that repeat each other; undefined if the service cannot know that they do. */
  readonly repeatKey: string | undefined;
  /** True if the same request always returns the same certificate, however late. */
  readonly isReplayable: boolean;
  /** The id of the redemption that this one replaces. */
  readonly replaces: string | undefined;
}

/** What is known of a grant. Times are those of the simulation. */
interface GrantFacts {
  readonly expirationTime: number;
  readonly limits: { readonly at: number; readonly uses: number }[];
  /** When the grant was revoked or deleted at the API server, and when the replica acknowledged that. */
  endedAt?: number;
  acknowledgedAt?: number;
  isDeleted?: true;
}

interface RecordFacts {
  readonly id: string;
  readonly uid: string;
  readonly attempt: Attempt;
  readonly jti: string | undefined;
  readonly replayKey: string;
  readonly createdAt: number;
  /** True if the grant or the code had been revoked before. */
  readonly isLate: boolean;
  isRevoked: boolean;
  acknowledgedAt?: number;
}

interface CodeFacts {
  readonly uses: number;
  revokedAt?: number;
  acknowledgedAt?: number;
}

/** Follows the objects of the API server and the responses to clients, and throws a {@link Violation} as soon as an invariant fails. */
export class Invariants {
  readonly #now: () => number;
  readonly #grants = new Map<string, GrantFacts>();
  readonly #codes = new Map<string, CodeFacts>();
  readonly #attempts = new Map<string, Attempt>();
  readonly #records: RecordFacts[] = [];
  /** The ids of the Redemptions that contain a certificate, by its serial. */
  readonly #serials = new Map<string, string>();
  readonly #received = new Map<string, string>();
  readonly #renewals = new Map<string, string>();

  constructor(now: () => number) {
    this.#now = now;
  }

  addGrant(
    uid: string,
    { uses, expirationTime }: { readonly uses: number; readonly expirationTime: number },
  ): void {
    this.#grants.set(uid, { expirationTime, limits: [{ at: this.#now(), uses }] });
  }

  /** Adds a code or an identity that may use a grant so often. */
  addCode(uid: string, jti: string, uses: number): void {
    this.#codes.set(`${uid} ${jti}`, { uses });
  }

  begin(attempt: Attempt): void {
    this.#attempts.set(attempt.peer, attempt);
  }

  /** Checks a write of the API server. */
  observe({ type, path, object, before }: Change): void {
    if (path.includes('/redemptions/')) {
      const redemption = object as RedemptionResource;
      if (type === 'ADDED') this.#observeRecord(redemption);
      else this.#observeRecordChange(redemption, before as RedemptionResource);
    } else if (path.includes('/accessgrants/')) this.#observeGrant(type, object as AccessGrantResource);
    else if (path.includes('/linkgrant-codes-')) this.#observeCodes(object.data as Record<string, string>);
  }

  /** Checks a certificate that a client received. */
  received(
    attempt: Attempt,
    { serial, id, replayed }: { serial: string; id: string; replayed: boolean },
  ): void {
    this.#checkSerial(serial, id);
    const record = this.#records.find((found) => found.id === id) as RecordFacts;
    const grant = this.#grants.get(attempt.uid);
    const code = this.#codeOf(attempt);
    const ends = [grant?.acknowledgedAt, code?.acknowledgedAt, record.acknowledgedAt];
    if (record.isLate || ends.some((end) => end !== undefined && end < attempt.startedAt))
      throw new Violation(
        'revocation',
        `${attempt.peer} received ${serial} after the revocation (${replayed ? 'replay' : 'new'})`,
      );
    const { repeatKey, replaces } = attempt;
    if (replaces !== undefined) this.redemptionRevoked(replaces);
    if (repeatKey === undefined) return;
    const earlier = this.#received.get(repeatKey) ?? serial;
    if (earlier !== serial)
      throw new Violation('replay', `${attempt.peer} received ${serial} after ${earlier}`);
    this.#received.set(repeatKey, serial);
  }

  /** Checks the refusal of a request. */
  refused(attempt: Attempt, refusal: string): void {
    const { uid, peer, startedAt, repeatKey } = attempt;
    const own = this.#records.find((record) => record.attempt.peer === peer && !record.isRevoked);
    if (own) throw new Violation('count', `${peer} was refused with ${refusal}, but ${own.id} counts a use`);
    const isEnded =
      this.#grants.get(uid)?.endedAt !== undefined || this.#codeOf(attempt)?.revokedAt !== undefined;
    const isLack = /_(exhausted|expired)$/.test(refusal) && !isEnded;
    const repeated = this.#records.find(
      (record) => record.attempt.repeatKey === repeatKey && record.createdAt < startedAt && !record.isRevoked,
    );
    if (isLack && attempt.isReplayable && repeated)
      throw new Violation('replay', `${peer} repeats ${repeated.id}, and was refused with ${refusal}`);
    const uses = this.#records.filter((record) => record.uid === uid);
    const limit = Math.min(...this.#limitsSince(uid, startedAt));
    if (refusal === 'grant_exhausted' && uses.length < limit)
      throw new Violation(
        'count',
        `${peer} was refused although only ${uses.length} of ${limit} uses are recorded`,
      );
    const ofCode = uses.filter(({ jti }) => jti === attempt.jti);
    if (refusal === 'code_exhausted' && ofCode.length < (this.#codeOf(attempt)?.uses ?? 0))
      throw new Violation('count', `${peer} was refused although its code has a use left`);
  }

  /** Checks a certificate that a client received as a renewal. */
  renewed(id: string, number: number, serial: string): void {
    this.#checkSerial(serial, id);
    const earlier = this.#renewals.get(`${id} ${number}`) ?? serial;
    if (earlier !== serial) throw new Violation('record', `renewal ${number} of ${id} was issued twice`);
    this.#renewals.set(`${id} ${number}`, serial);
  }

  grantEnded(uid: string, cascadedSince?: number): void {
    const grant = this.#grants.get(uid) as GrantFacts;
    grant.acknowledgedAt ??= this.#now();
    if (grant.endedAt === undefined) throw new Violation('revocation', `${uid} is still valid after its end`);
    // The service does not know a deleted grant, and says so.
    if (grant.isDeleted) return;
    const valid = this.#records.find(
      (record) => record.uid === uid && !record.isRevoked && record.createdAt <= (cascadedSince ?? -1),
    );
    if (valid)
      throw new Violation('revocation', `${valid.id} is still valid after its grant was revoked with it`);
  }

  codeRevoked(uid: string, jti: string): void {
    const code = this.#codes.get(`${uid} ${jti}`) as CodeFacts;
    code.acknowledgedAt ??= this.#now();
    if (code.revokedAt === undefined) throw new Violation('revocation', `the code ${jti} is still valid`);
  }

  redemptionRevoked(id: string): void {
    const record = this.#records.find((found) => found.id === id) as RecordFacts;
    record.acknowledgedAt ??= this.#now();
    if (!record.isRevoked) throw new Violation('revocation', `${id} is still valid after its revocation`);
  }

  /** The number of redemptions of a grant. */
  usesOf(uid: string, jti?: string): number {
    return this.#records.filter((record) => record.uid === uid && (jti === undefined || record.jti === jti))
      .length;
  }

  #observeRecord({ spec, metadata }: RedemptionResource): void {
    const { grantUid: uid, id, peer, replayKey, code } = spec;
    const attempt = this.#attempts.get(peer) as Attempt;
    const grant = this.#grants.get(uid) as GrantFacts;
    const { jti } = code ?? {};
    const record = { id, uid, attempt, jti, replayKey, createdAt: this.#now(), isRevoked: false };
    const used = this.#codeOf({ uid, jti });
    const isLate = grant.endedAt !== undefined || used?.revokedAt !== undefined;
    for (const end of [grant.acknowledgedAt, used?.acknowledgedAt])
      if (end !== undefined && end < attempt.startedAt)
        throw new Violation('revocation', `${peer} recorded ${id} after the revocation`);
    if (Date.parse(spec.createdAt) >= grant.expirationTime)
      throw new Violation('revocation', `${peer} recorded ${id} after the grant had expired`);
    if (this.#records.some((other) => other.uid === uid && other.replayKey === replayKey))
      throw new Violation('replay', `${peer} recorded a second redemption with the key ${replayKey}`);
    if (metadata.name !== `${uid}-${this.usesOf(uid)}`)
      throw new Violation('count', `${metadata.name} does not follow the slots before it`);
    this.#records.push({ ...record, isLate });
    this.#serials.set(spec.certificate.serial, id);
    const allowed = Math.max(...this.#limitsSince(uid, attempt.startedAt));
    if (this.usesOf(uid) > allowed)
      throw new Violation('uses', `${peer} exceeded the ${allowed} uses of the grant`);
    if (used && jti !== undefined && this.usesOf(uid, jti) > used.uses)
      throw new Violation('uses', `${peer} exceeded the ${used.uses} uses of ${jti}`);
  }

  #observeRecordChange({ spec, status }: RedemptionResource, before: RedemptionResource): void {
    const record = this.#records.find(({ id }) => id === spec.id) as RecordFacts;
    if (record.isRevoked && !spec.revoked) throw new Violation('revocation', `${spec.id} is valid again`);
    const newest = status?.renewals?.[0]?.certificate.serial;
    if (newest !== undefined && newest !== before.status?.renewals?.[0]?.certificate.serial) {
      if (record.isRevoked) throw new Violation('revocation', `${spec.id} was renewed after its revocation`);
      if (this.#serials.has(newest))
        throw new Violation('record', `the renewal ${newest} was recorded twice`);
      this.#serials.set(newest, spec.id);
    }
    record.isRevoked = spec.revoked;
  }

  #observeGrant(type: Change['type'], { metadata, spec, status }: AccessGrantResource): void {
    const { uid = '' } = metadata;
    const grant = this.#grants.get(uid);
    if (!grant) return;
    if (type === 'DELETED' || metadata.annotations?.[GRANT_REVOKED] !== undefined)
      grant.endedAt ??= this.#now();
    if (type === 'DELETED') grant.isDeleted = true;
    const uses = spec?.redemptionsAllowed ?? 1;
    if (grant.limits.at(-1)?.uses !== uses) grant.limits.push({ at: this.#now(), uses });
    const { redemptions = 0 } = status ?? {};
    if (redemptions > this.usesOf(uid))
      throw new Violation(
        'count',
        `the status of ${uid} counts ${redemptions} uses, ${this.usesOf(uid)} are recorded`,
      );
  }

  #observeCodes(data: Readonly<Record<string, string>>): void {
    for (const text of Object.values(data)) {
      const { grantUid, jti, revokedAt } = JSON.parse(text) as StoredCodeRecord;
      const code = this.#codes.get(`${grantUid} ${jti}`);
      if (code && revokedAt !== null) code.revokedAt ??= this.#now();
    }
  }

  #checkSerial(serial: string, id: string): void {
    if (this.#serials.get(serial) !== id)
      throw new Violation('record', `the certificate ${serial} has no record in ${id}`);
  }

  #codeOf({ uid, jti }: Pick<Attempt, 'uid' | 'jti'>): CodeFacts | undefined {
    return jti === undefined ? undefined : this.#codes.get(`${uid} ${jti}`);
  }

  /** The limits of a grant that were in effect at or after a time. */
  #limitsSince(uid: string, since: number): number[] {
    const limits = this.#grants.get(uid)?.limits ?? [];
    const first = Math.max(
      0,
      limits.findLastIndex(({ at }) => at <= since),
    );
    return limits.slice(first).map(({ uses }) => uses);
  }
}
