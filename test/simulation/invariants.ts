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
  /** The ledger of an SQL store verifies once it is quiet. */
  | 'ledger'
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
  /** When the grant was revoked or deleted in the store, and when the replica acknowledged that. */
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

/** A redemption as a store records it. */
type NewRecord = Pick<RecordFacts, 'id' | 'uid' | 'jti' | 'replayKey'> & {
  readonly peer: string;
  readonly serial: string;
  /** The time in the record. */
  readonly at: number;
};

interface CodeFacts {
  readonly uses: number;
  revokedAt?: number;
  acknowledgedAt?: number;
}

/** Follows the records of the store and the responses to clients, and throws a {@link Violation} as soon as an invariant fails. */
export class Invariants {
  readonly #now: () => number;
  readonly #grants = new Map<string, GrantFacts>();
  readonly #codes = new Map<string, CodeFacts>();
  readonly #attempts = new Map<string, Attempt>();
  readonly #records: RecordFacts[] = [];
  /** The ids of the redemptions that contain a certificate, by its serial. */
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

  /** The uids of the grants that exist at the start. */
  grants(): Iterable<string> {
    return this.#grants.keys();
  }

  /** Adds a code or an identity that may use a grant so often. */
  addCode(uid: string, jti: string, uses: number): void {
    this.#codes.set(`${uid} ${jti}`, { uses });
  }

  begin(attempt: Attempt): void {
    this.#attempts.set(attempt.peer, attempt);
  }

  /** Checks a redemption that the store has recorded. */
  observeRecord({ peer, serial, at, ...recorded }: NewRecord): void {
    const { id, uid, jti, replayKey } = recorded;
    const attempt = this.#attempts.get(peer) as Attempt;
    const grant = this.#grants.get(uid) as GrantFacts;
    const used = this.#codeOf({ uid, jti });
    const isLate = grant.endedAt !== undefined || used?.revokedAt !== undefined;
    for (const end of [grant.acknowledgedAt, used?.acknowledgedAt])
      if (end !== undefined && end < attempt.startedAt)
        throw new Violation('revocation', `${peer} recorded ${id} after the revocation`);
    if (at >= grant.expirationTime)
      throw new Violation('revocation', `${peer} recorded ${id} after the grant had expired`);
    if (this.#records.some((other) => other.uid === uid && other.replayKey === replayKey))
      throw new Violation('replay', `${peer} recorded a second redemption with the key ${replayKey}`);
    this.#records.push({ ...recorded, attempt, createdAt: this.#now(), isLate, isRevoked: false });
    this.#serials.set(serial, id);
    const allowed = Math.max(...this.#limitsSince(uid, attempt.startedAt));
    if (this.usesOf(uid) > allowed)
      throw new Violation('uses', `${peer} exceeded the ${allowed} uses of the grant`);
    if (used && jti !== undefined && this.usesOf(uid, jti) > used.uses)
      throw new Violation('uses', `${peer} exceeded the ${used.uses} uses of ${jti}`);
  }

  /** Checks the certificate of a renewal that the store has recorded. */
  observeRenewal(id: string, serial: string): void {
    if (this.#recordOf(id).isRevoked)
      throw new Violation('revocation', `${id} was renewed after its revocation`);
    if (this.#serials.has(serial)) throw new Violation('record', `the renewal ${serial} was recorded twice`);
    this.#serials.set(serial, id);
  }

  /** Checks whether a recorded redemption is revoked. */
  observeRevocation(id: string, isRevoked: boolean): void {
    const record = this.#recordOf(id);
    if (record.isRevoked && !isRevoked) throw new Violation('revocation', `${id} is valid again`);
    record.isRevoked = isRevoked;
  }

  /** Records the uses of a grant. */
  observeLimit(uid: string, uses: number): void {
    const limits = this.#grants.get(uid)?.limits;
    if (limits && limits.at(-1)?.uses !== uses) limits.push({ at: this.#now(), uses });
  }

  /** Records that a grant is revoked or deleted. */
  observeEnd(uid: string, isDeleted: boolean): void {
    const grant = this.#grants.get(uid);
    if (!grant) return;
    grant.endedAt ??= this.#now();
    if (isDeleted) grant.isDeleted = true;
  }

  /** Records that a code is revoked. */
  observeCodeRevocation(uid: string, jti: string): void {
    const code = this.#codeOf({ uid, jti });
    if (code) code.revokedAt ??= this.#now();
  }

  /** Checks a certificate that a client received. */
  received(
    attempt: Attempt,
    { serial, id, replayed }: { serial: string; id: string; replayed: boolean },
  ): void {
    this.#checkSerial(serial, id);
    const record = this.#recordOf(id);
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
    const record = this.#recordOf(id);
    record.acknowledgedAt ??= this.#now();
    if (!record.isRevoked) throw new Violation('revocation', `${id} is still valid after its revocation`);
  }

  /** The number of redemptions of a grant. */
  usesOf(uid: string, jti?: string): number {
    return this.#records.filter((record) => record.uid === uid && (jti === undefined || record.jti === jti))
      .length;
  }

  #recordOf(id: string): RecordFacts {
    return this.#records.find((found) => found.id === id) as RecordFacts;
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
