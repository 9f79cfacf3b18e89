import { randomUUID } from 'node:crypto';
import { MANAGED_BY, SECRET_TOKEN } from '../../../domain/labels.js';
import { RedemptionError } from '../../../domain/redemption-error.js';
import type {
  OpenPendingRedemption,
  PendingRedemption,
  Posting,
  RedemptionOutcome,
} from '../../../redemption/ports/pending-redemption.js';
import { ApiError, isApiError } from '../api/api-error.js';
import { SECRETS } from '../api/kinds.js';
import type { Stored } from '../api/resource.js';
import {
  inCluster,
  type NamespaceTarget,
  ownedResource,
  persisting,
  placeOf,
  type SecretResource,
  secretData,
  secretText,
} from './namespace-target.js';
import { findPlacedSecret, type PlacedSecret, tokenLabel } from './placed-secret.js';

/** Label of what is kept while something is under way; the value tells what. */
export const COMPONENT = 'app.kubernetes.io/component';
/** Value of that label on a pending redemption. */
export const PENDING_REDEMPTION = 'pending-redemption';

const KEY = 'key.pem';
const ANSWER = 'answer.yaml';
const POSTED = /^posted-([1-9]\d{0,8})$/;

type Texts = Readonly<Record<string, string>>;

/**
 * Pending redemptions as Secrets `linkgrant-pending-<id>` of the Site, with the values `key.pem`, `posted-<number>` and
 * `answer.yaml`. One is made exclusively, by whichever run comes first, and changed only as it was read. It goes when the
 * link is in place: from then on the link itself, found by its token, is what is kept.
 */
export function pendingSecrets(place: NamespaceTarget, clock: () => number): OpenPendingRedemption {
  return async (id) => new PendingSecret(place, id, clock);
}

class PendingSecret implements PendingRedemption {
  readonly places: PendingRedemption['places'];
  readonly #place: NamespaceTarget;
  readonly #id: string;
  readonly #name: string;
  /** Tells this run's postings from those of others, when the answer to a write was lost. */
  readonly #run = randomUUID();
  readonly #clock: () => number;
  #keyPem: string | undefined;

  constructor(place: NamespaceTarget, id: string, clock: () => number) {
    this.#place = place;
    this.#clock = clock;
    this.#id = id;
    this.#name = `linkgrant-pending-${id}`;
    const secret = placeOf(SECRETS, this.#name, place.namespace);
    this.places = { key: `${KEY} in ${secret}`, answer: `${ANSWER} in ${secret}` };
  }

  async ensureKey(make: () => Promise<string>): Promise<string> {
    const made = { pem: undefined as string | undefined };
    this.#keyPem = await persisting(async () => {
      const there = await this.#find();
      const kept = secretText(there, KEY) ?? (there ? undefined : (await this.#placed())?.keyPem);
      if (kept !== undefined) return kept;
      made.pem ??= await make();
      if (there) {
        await this.#replace(there, { ...textsOf(there), [KEY]: made.pem });
        return made.pem;
      }
      return (await this.#create({ [KEY]: made.pem }))?.keyPem ?? made.pem;
    });
    return this.#keyPem;
  }

  findAnswer(): Promise<string | undefined> {
    return inCluster(async () => {
      const there = await this.#find();
      return there ? secretText(there, ANSWER) : (await this.#placed())?.answer;
    });
  }

  storeAnswer(text: string): Promise<string> {
    return persisting(async () => {
      const there = await this.#find();
      const stored = there ? secretText(there, ANSWER) : (await this.#placed())?.answer;
      if (stored !== undefined) return stored;
      if (there) {
        await this.#replace(there, { ...textsOf(there), [ANSWER]: text });
        return text;
      }
      return (await this.#create({ [ANSWER]: text }))?.answer ?? text;
    });
  }

  async discard(what: 'key' | 'answer', content: string): Promise<void> {
    const name = what === 'key' ? KEY : ANSWER;
    await persisting(async () => {
      const there = await this.#find();
      const { [name]: stored, ...rest } = textsOf(there);
      if (there && stored === content) await this.#replace(there, rest);
      const placed = there ? undefined : await this.#placed();
      if (!placed || content !== (what === 'key' ? placed.keyPem : placed.answer)) return;
      // Another use would be spent in vain: a new response is not stored while the token has a link.
      const secret = placeOf(SECRETS, placed.name, this.#place.namespace);
      const message = `${secret} is damaged or was replaced. Restore it from a backup, or delete its link and redeem the token again.`;
      throw new RedemptionError('outcome_unknown', message);
    });
  }

  /** A concurrent run that gets a response recreates the Secret with the key that it has read. */
  async discardUnusedKey(keyPem: string): Promise<void> {
    await persisting(async () => {
      const there = await this.#find();
      const { [KEY]: kept, ...rest } = textsOf(there);
      if (!there || kept !== keyPem || Object.keys(rest).length > 0) return;
      const { uid, resourceVersion } = there.metadata;
      await this.#place.client.delete(SECRETS, this.#key, { uid, resourceVersion });
    });
  }

  findPosting(): Promise<Posting | undefined> {
    return inCluster(async () => {
      const there = await this.#find();
      const last = lastPosting(textsOf(there));
      if (there) return last && { number: last.number, at: last.at };
      // Posted by a run that has come to its end; where its link is no more, nothing is posted again by itself.
      const placed = await this.#placed();
      return placed && { number: 1, at: placed.answer === undefined ? 0 : this.#clock() };
    });
  }

  beginPosting({ number, at }: Posting): Promise<boolean> {
    return persisting(async () => {
      const there = await this.#find();
      const kept = textsOf(there);
      const last = lastPosting(kept);
      if (last && last.number >= number) return last.number === number && last.run === this.#run;
      const noted = { ...kept, [`posted-${number}`]: `${new Date(at).toISOString()} ${this.#run}` };
      if (there) await this.#replace(there, noted);
      else if ((await this.#placed()) || (await this.#create(noted))) return false;
      return true;
    });
  }

  async cancelPosting(number: number): Promise<void> {
    await persisting(async () => {
      const there = await this.#find();
      const { [`posted-${number}`]: noted, ...rest } = textsOf(there);
      if (there && noted !== undefined) await this.#replace(there, rest);
    });
  }

  /** The link leads back to its token from now on, and what was kept apart from it goes. */
  async storeOutcome({ secret }: RedemptionOutcome): Promise<void> {
    const { client, namespace } = this.#place;
    await persisting(async () => {
      const key = { namespace, name: secret };
      const placed = await client.find<SecretResource>(SECRETS, key);
      // Taken away meanwhile: what is kept can put it back.
      if (!placed) return;
      const label = tokenLabel(this.#id);
      if (placed.metadata.labels?.[SECRET_TOKEN] !== label) {
        const { resourceVersion } = placed.metadata;
        await client.patch(SECRETS, key, {
          metadata: { resourceVersion, labels: { [SECRET_TOKEN]: label } },
        });
      }
      await client.delete(SECRETS, this.#key);
    });
  }

  get #key() {
    return { namespace: this.#place.namespace, name: this.#name };
  }

  async #find(): Promise<Stored<SecretResource> | undefined> {
    const there = await this.#place.client.find<SecretResource>(SECRETS, this.#key);
    if (!there || there.metadata.labels?.[MANAGED_BY] === 'linkgrant') return there;
    const message = `${placeOf(SECRETS, this.#name, this.#place.namespace)} is there and is not linkgrant's.`;
    throw new RedemptionError('place_taken', message);
  }

  #placed() {
    return findPlacedSecret(this.#place.client, this.#place.namespace, this.#id);
  }

  /**
   * Makes the Secret where there is none, and takes it back where a run that was whole in between has taken its own away
   * and left its link, which this gives then.
   */
  async #create(texts: Texts): Promise<PlacedSecret | undefined> {
    const { client, namespace, owner } = this.#place;
    const labels = { [MANAGED_BY]: 'linkgrant', [COMPONENT]: PENDING_REDEMPTION };
    const fields = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: this.#name, namespace, labels },
      type: 'Opaque',
      // Where somebody removed it under way, what was posted was for the key of then.
      data: secretData({ ...(this.#keyPem !== undefined && { [KEY]: this.#keyPem }), ...texts }),
    };
    const created = await client.create(SECRETS, ownedResource(fields, await owner()));
    const placed = await this.#placed();
    if (placed) await client.delete(SECRETS, this.#key, { uid: created.metadata.uid });
    return placed;
  }

  async #replace(there: Stored<SecretResource>, texts: Texts): Promise<void> {
    try {
      await this.#place.client.replace(SECRETS, { ...there, data: secretData(texts) });
    } catch (error) {
      if (!isApiError(error, 'not_found')) throw error;
      // Removed since it was read: to be looked at again, as any other change.
      throw new ApiError(error.message, { reason: 'conflict' }, { cause: error });
    }
  }
}

function textsOf(secret: Stored<SecretResource> | undefined): Texts {
  const keys = Object.keys(secret?.data ?? {});
  return Object.fromEntries(keys.map((key) => [key, secretText(secret, key) ?? '']));
}

function lastPosting(texts: Texts): (Posting & { readonly run: string | undefined }) | undefined {
  const postings = Object.entries(texts).flatMap(([key, text]) => {
    const number = Number(POSTED.exec(key)?.[1]);
    const [at = '', run] = text.trim().split(' ');
    return Number.isNaN(number) ? [] : [{ number, at: Date.parse(at) || 0, run }];
  });
  return postings.sort((a, b) => b.number - a.number)[0];
}
