import { randomUUID } from 'node:crypto';
import { MANAGED_BY, SECRET_TOKEN_LABEL } from '../../../domain/labels.js';
import { RedemptionError } from '../../../domain/redemption-error.js';
import type {
  OpenPendingRedemption,
  PendingRedemption,
  Posting,
  RedemptionOutcome,
} from '../../../redemption/ports/pending-redemption.js';
import { ApiError, isApiError } from '../api/api-error.js';
import { SECRETS } from '../api/kinds.js';
import type { Resource, Stored } from '../api/resource.js';
import {
  describeResource,
  type NamespaceTarget,
  retryInNamespace,
  type SecretResource,
  secretData,
  secretText,
  withClusterErrors,
} from './namespace-target.js';
import { findPlacedSecret, type PlacedSecret, tokenLabel } from './placed-secret.js';
import { newStateSecret } from './state-secret.js';

const KEY = 'key.pem';
const ANSWER = 'answer.yaml';
const POSTED = /^posted-([1-9]\d{0,8})$/;

type Texts = Readonly<Record<string, string>>;

/**
 * Stores pending redemptions as Secrets `linkgrant-pending-<id>` that the Site owns, with the values `key.pem`,
 * `posted-<number>` and `answer.yaml`. The first run creates the Secret exclusively; updates use optimistic concurrency. The
 * Secret is deleted when the link is in place. From then on the state is read from the link, which has a label for its
 * token.
 */
export function pendingSecrets(target: NamespaceTarget, clock: () => number): OpenPendingRedemption {
  return async (id) => new PendingSecret(target, id, clock);
}

class PendingSecret implements PendingRedemption {
  readonly places: PendingRedemption['places'];
  readonly #target: NamespaceTarget;
  readonly #id: string;
  readonly #name: string;
  /** Identifies the postings of this run after a write whose response was lost. */
  readonly #run = randomUUID();
  readonly #clock: () => number;
  #keyPem: string | undefined;
  /** True after this run created the pending Secret, until it has checked whether a concurrent run had completed before. */
  #isUnconfirmed = false;

  constructor(target: NamespaceTarget, id: string, clock: () => number) {
    this.#target = target;
    this.#clock = clock;
    this.#id = id;
    this.#name = `linkgrant-pending-${id}`;
    const secret = describeResource(SECRETS, this.#name, target.namespace);
    this.places = { key: `${KEY} in ${secret}`, answer: `${ANSWER} in ${secret}` };
  }

  async ensureKey(make: () => Promise<string>): Promise<string> {
    let generated: string | undefined;
    this.#keyPem = await retryInNamespace(async () => {
      const pending = await this.#find();
      const stored = secretText(pending, KEY) ?? (pending ? undefined : (await this.#findPlaced())?.keyPem);
      if (stored !== undefined) return stored;
      generated ??= await make();
      if (pending) {
        await this.#replace(pending, { ...secretTexts(pending), [KEY]: generated });
        return generated;
      }
      return (await this.#create({ [KEY]: generated }))?.keyPem ?? generated;
    });
    return this.#keyPem;
  }

  findAnswer(): Promise<string | undefined> {
    return withClusterErrors(async () => this.#answerIn(await this.#find()));
  }

  storeAnswer(text: string): Promise<string> {
    return retryInNamespace(async () => {
      const pending = await this.#find();
      const stored = await this.#answerIn(pending);
      if (stored !== undefined) return stored;
      if (pending) {
        await this.#replace(pending, { ...secretTexts(pending), [ANSWER]: text });
        return text;
      }
      return (await this.#create({ [ANSWER]: text }))?.answer ?? text;
    });
  }

  async discard(part: 'key' | 'answer', content: string): Promise<void> {
    const name = part === 'key' ? KEY : ANSWER;
    await retryInNamespace(async () => {
      const pending = await this.#find();
      const { [name]: stored, ...rest } = secretTexts(pending);
      if (pending && stored === content) await this.#replace(pending, rest);
      const placedSecret = pending ? undefined : await this.#findPlaced();
      if (!placedSecret || content !== (part === 'key' ? placedSecret.keyPem : placedSecret.answer)) return;
      // A new response is not stored while the token has a link, so another posting would waste a use.
      const secret = describeResource(SECRETS, placedSecret.name, this.#target.namespace);
      const message = `${secret} is damaged or was replaced. Restore it from a backup, or delete its link and redeem the token again.`;
      throw new RedemptionError('outcome_unknown', message);
    });
  }

  /** Deletes the pending Secret. A concurrent run that gets a response recreates it with the key that it has read. */
  async discardUnusedKey(keyPem: string): Promise<void> {
    await retryInNamespace(async () => {
      const pending = await this.#find();
      const { [KEY]: stored, ...rest } = secretTexts(pending);
      if (!pending || stored !== keyPem || Object.keys(rest).length > 0) return;
      const { uid, resourceVersion } = pending.metadata;
      await this.#target.client.delete(SECRETS, this.#key, { uid, resourceVersion });
    });
  }

  findPosting(): Promise<Posting | undefined> {
    return withClusterErrors(async () => {
      const pending = await this.#find();
      const last = lastPosting(secretTexts(pending));
      if (pending) return last && { number: last.number, at: last.at };
      // An earlier run posted and completed. If its Links were deleted, the time 0 ends the wait for a response, and the code is
      // not posted again automatically. Else the present time makes the caller wait for the response in the Links.
      const placedSecret = await this.#findPlaced();
      return placedSecret && { number: 1, at: placedSecret.answer === undefined ? 0 : this.#clock() };
    });
  }

  beginPosting({ number, at }: Posting): Promise<boolean> {
    return retryInNamespace(async () => {
      const pending = await this.#find();
      const texts = secretTexts(pending);
      const last = lastPosting(texts);
      if (last && last.number >= number) return last.number === number && last.run === this.#run;
      const updated = { ...texts, [`posted-${number}`]: `${new Date(at).toISOString()} ${this.#run}` };
      if (pending) await this.#replace(pending, updated);
      else if ((await this.#findPlaced()) || (await this.#create(updated))) return false;
      return true;
    });
  }

  async cancelPosting(number: number): Promise<void> {
    await retryInNamespace(async () => {
      const pending = await this.#find();
      const { [`posted-${number}`]: posting, ...rest } = secretTexts(pending);
      if (pending && posting !== undefined) await this.#replace(pending, rest);
    });
  }

  /** Labels the Secret of the link with its token, then deletes the pending Secret. */
  async storeOutcome({ secret }: RedemptionOutcome): Promise<void> {
    const { client, namespace } = this.#target;
    await retryInNamespace(async () => {
      const key = { namespace, name: secret };
      const placedSecret = await client.find<SecretResource>(SECRETS, key);
      // The link was deleted meanwhile. The pending Secret stays, so that a later run can create the link again.
      if (!placedSecret) return;
      const label = tokenLabel(this.#id);
      if (placedSecret.metadata.labels?.[SECRET_TOKEN_LABEL] !== label) {
        const { resourceVersion } = placedSecret.metadata;
        await client.patch(SECRETS, key, {
          metadata: { resourceVersion, labels: { [SECRET_TOKEN_LABEL]: label } },
        });
      }
      await client.delete(SECRETS, this.#key);
    });
  }

  get #key() {
    return { namespace: this.#target.namespace, name: this.#name };
  }

  async #find(): Promise<Stored<SecretResource> | undefined> {
    const pending = await this.#target.client.find<SecretResource>(SECRETS, this.#key);
    if (!pending) return undefined;
    if (pending.metadata.labels?.[MANAGED_BY] === 'linkgrant') {
      return this.#isUnconfirmed && (await this.#withdrawIfPlaced(pending)) ? undefined : pending;
    }
    const message = `${describeResource(SECRETS, this.#name, this.#target.namespace)} already exists and was not created by linkgrant.`;
    throw new RedemptionError('place_taken', message);
  }

  /** The response in the pending Secret; if there is none, that of the link. */
  async #answerIn(pending: Stored<SecretResource> | undefined): Promise<string | undefined> {
    return pending ? secretText(pending, ANSWER) : (await this.#findPlaced())?.answer;
  }

  #findPlaced() {
    return findPlacedSecret(this.#target.client, this.#target.namespace, this.#id);
  }

  /**
   * Creates the pending Secret. If a concurrent run has completed meanwhile, deletes it again and returns the link of that
   * run.
   */
  async #create(texts: Texts): Promise<PlacedSecret | undefined> {
    // If the Secret was deleted during this run, the posted request was for the key that this run has read.
    const all = { ...(this.#keyPem !== undefined && { [KEY]: this.#keyPem }), ...texts };
    const secret = await newStateSecret('pending-redemption', { name: this.#name }, all, this.#target);
    // A repetition after a lost response finds the Secret that this run created.
    this.#isUnconfirmed = true;
    return this.#withdrawIfPlaced(await this.#target.client.create(SECRETS, secret));
  }

  /** Deletes the pending Secret if a concurrent run has completed; returns the link of that run. */
  async #withdrawIfPlaced({ metadata: { uid } }: Stored<Resource>): Promise<PlacedSecret | undefined> {
    const placedSecret = await this.#findPlaced();
    if (placedSecret) await this.#target.client.delete(SECRETS, this.#key, { uid });
    this.#isUnconfirmed = false;
    return placedSecret;
  }

  async #replace(pending: Stored<SecretResource>, texts: Texts): Promise<void> {
    try {
      await this.#target.client.replace(SECRETS, { ...pending, data: secretData(texts) });
    } catch (error) {
      if (!isApiError(error, 'not_found')) throw error;
      // Deleted since it was read: repeat the operation, as after any other conflict.
      throw new ApiError(error.message, { reason: 'conflict' }, { cause: error });
    }
  }
}

function secretTexts(secret: Stored<SecretResource> | undefined): Texts {
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
