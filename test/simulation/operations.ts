import { redeemProven } from '../../src/redemption/accepting/redeem.js';
import { SAMPLE_CODE, sampleGrant } from '../support/store-samples.js';
import {
  acceptingSide,
  CODE_TEXT,
  CODE_USES,
  CSRS,
  certificateFor,
  GRANT_EXPIRATION,
  jtiOf,
  provenCode,
} from './accepting.js';
import type { Attempt, Invariants } from './invariants.js';
import type { StoreProcess } from './simulated-system.js';
import type { SimulatedTime } from './simulated-time.js';
import { type Action, CLIENTS, CODES } from './steps.js';

/** An action of a client or an operator, in contrast to a failure. */
export type Operation = Extract<
  Action,
  {
    do:
      | 'redeem'
      | 'renew'
      | 'revoke grant'
      | 'revoke code'
      | 'revoke redemption'
      | 'change limit'
      | 'erase sealed answers'
      | 'delete grant';
  }
>;

/** The namespace of all grants. */
export const NAMESPACE = 'west';

/** What clients and operators do, and have received. */
export class Operations {
  /** The uids of the grants. */
  readonly grants: string[] = [];
  readonly #time: SimulatedTime;
  readonly #invariants: Invariants;
  readonly #note: (text: string) => void;
  /** The ids of the redemptions that clients received. */
  readonly #links: string[] = [];
  readonly #replaced = new Map<string, string>();
  #attempts = 0;

  constructor(time: SimulatedTime, invariants: Invariants, note: (text: string) => void) {
    this.#time = time;
    this.#invariants = invariants;
    this.#note = note;
  }

  /** Creates a grant for each number of uses. */
  async createGrants({ store }: StoreProcess, allUses: readonly number[]): Promise<void> {
    for (const [index, uses] of allUses.entries()) {
      const wanted = sampleGrant({
        namespace: NAMESPACE,
        name: `grant-${index}`,
        redemptionsAllowed: uses,
        expirationTime: GRANT_EXPIRATION,
      });
      const created = await store.createGrant(wanted, SAMPLE_CODE);
      const { uid } = created as { uid: string };
      this.grants.push(uid);
      this.#invariants.addGrant(uid, { uses, expirationTime: GRANT_EXPIRATION });
      for (let client = 0; client < CLIENTS; client += 1) {
        for (const code of CODES) {
          const jti = jtiOf(code, client);
          if (jti !== undefined && code !== 'opaque') this.#invariants.addCode(uid, jti, CODE_USES[code]);
        }
      }
    }
  }

  /** Does an action at a process, and checks the result. Rejects like the store, or with a Violation. */
  async run(action: Operation, replica: StoreProcess): Promise<void> {
    const { store } = replica;
    const { clock, now } = this.#time;
    switch (action.do) {
      case 'redeem':
        return this.#redeem(action, replica);
      case 'renew':
        return this.#renew(this.#link(action.link), replica);
      case 'revoke grant': {
        const uid = this.#grant(action.grant);
        await store.revokeGrant(uid, clock(), action.cascade);
        return this.#invariants.grantEnded(uid, action.cascade ? now : undefined);
      }
      case 'revoke code': {
        const grantUid = this.#grant(action.grant);
        const jti = jtiOf(action.code, 0) as string;
        const code = { grantUid, jti, uses: CODE_USES[action.code], expirationTime: GRANT_EXPIRATION };
        await store.revokeCode(code, clock());
        return this.#invariants.codeRevoked(grantUid, jti);
      }
      case 'revoke redemption': {
        const id = this.#link(action.link);
        if (id === undefined) return;
        await store.revokeRedemption(id, clock());
        return this.#invariants.redemptionRevoked(id);
      }
      case 'change limit':
        await store.updateGrant(this.#grant(action.grant), { redemptionsAllowed: action.uses });
        return;
      case 'erase sealed answers':
        await store.eraseSealedAnswers(clock());
        return;
      case 'delete grant': {
        const uid = this.#grant(action.grant);
        await store.deleteGrant(uid);
        return this.#invariants.grantEnded(uid);
      }
      default:
    }
  }

  async #redeem(
    { grant: number, client, code, isStock: wantsStock }: Extract<Action, { do: 'redeem' }>,
    { store }: StoreProcess,
  ): Promise<void> {
    const { clock, now } = this.#time;
    const uid = this.#grant(number);
    const isStock = wantsStock && code !== 'identity' && code !== 'bound';
    const replaces = code === 'replacement' ? this.#replacedBy(uid, client) : undefined;
    // There is nothing to replace yet.
    if (code === 'replacement' && replaces === undefined) return;
    this.#attempts += 1;
    const isRepeatable = !isStock || code === 'signed once' || code === 'replacement';
    const attempt: Attempt = {
      peer: `10.0.0.${this.#attempts}`,
      uid,
      jti: jtiOf(code, client),
      startedAt: now,
      repeatKey: isRepeatable ? [uid, client, code, isStock].join(' ') : undefined,
      isReplayable: !isStock,
      replaces,
    };
    this.#invariants.begin(attempt);
    const grant = await store.findGrant(uid);
    if (!grant) return this.#invariants.refused(attempt, 'grant_unknown');
    const request = {
      code: CODE_TEXT,
      ...(!isStock && { csr: CSRS[client] }),
      name: `link-${client}`,
      subject: `site-${client}`,
      renews: true,
      receivedAt: now,
    };
    const requesting = {
      peer: attempt.peer,
      requestId: attempt.peer,
      onProven() {},
      isConnected: async () => true,
    };
    const deps = acceptingSide(store, clock);
    const outcome = await redeemProven(provenCode(grant, code, client, replaces), request, requesting, deps);
    if ('disconnected' in outcome) throw new Error('no client disconnects');
    if ('refused' in outcome) {
      this.#note(`${attempt.peer} is refused: ${outcome.refused}`);
      return this.#invariants.refused(attempt, outcome.refused);
    }
    const { redemption, replayed, secret } = outcome;
    this.#note(`${attempt.peer} receives ${secret.tlsCrt} of ${redemption.id}${replayed ? ' again' : ''}`);
    this.#invariants.received(attempt, { serial: secret.tlsCrt, id: redemption.id, replayed });
    if (!this.#links.includes(redemption.id)) this.#links.push(redemption.id);
  }

  async #renew(id: string | undefined, { store }: StoreProcess): Promise<void> {
    const found = id === undefined ? undefined : await store.findRenewedRedemption(id);
    if (id === undefined || !found || found.redemption.revokedAt !== null) return;
    const { clock } = this.#time;
    const number = (found.renewals[0]?.number ?? 0) + 1;
    const certificate = certificateFor(id, number, clock() + this.#time.random());
    const renewal = { redemptionId: id, number, ...certificate, renewedAt: clock(), peer: '10.0.1.1' };
    const outcome = await store.recordRenewal(renewal, found, clock());
    if (outcome === 'recorded') this.#invariants.renewed(id, number, certificate.serial);
  }

  /** The id in the replacement code of a client: of the first redemption that a client had received when the code was first used. */
  #replacedBy(uid: string, client: number): string | undefined {
    const key = `${uid} ${client}`;
    const id = this.#replaced.get(key) ?? this.#link(0);
    if (id !== undefined) this.#replaced.set(key, id);
    return id;
  }

  #grant(number: number): string {
    return this.grants[number % this.grants.length] as string;
  }

  #link(number: number): string | undefined {
    return this.#links[number % Math.max(1, this.#links.length)];
  }
}
