import { isApiError } from '../api/api-error.js';
import type { KubernetesClient } from '../api/client.js';
import { REDEMPTIONS } from '../api/kinds.js';
import { persistently } from './persistently.js';
import { type RedemptionResource, TURN, turnText } from './redemption-resource.js';

/** A slot that is to be filled. */
export interface FillOrder {
  readonly resource: RedemptionResource;
  /**
   * Id of the redemption that has to have filled the slot before it, from here; undefined where every slot before this one
   * was read.
   */
  readonly follows: string | undefined;
  /** True if more is to follow, also where none waits behind it. */
  readonly isAmid: boolean;
  /** Names of the turn that it is filled in, and of the one that comes after that; undefined where anybody may come. */
  readonly turn: { readonly of: string; readonly heir: string | undefined };
  /** After how long it is not tried any more, nor an unknown outcome asked after, in milliseconds. */
  readonly withinMs: number;
}

/**
 * What became of an order: the slot is filled (and is the last one of a turn), another Redemption (or this very one, by a write
 * whose answer was lost) had filled it, or it was not tried, because what it follows did not fill its slot, or named another
 * turn, or because there was no time left.
 */
export type FillOutcome = 'filled' | 'filled_last' | 'taken' | 'untried' | 'late';

/** Fills slots. */
export interface SlotFiller {
  /**
   * Orders of one grant are carried out one after the other. Rejects with ApiError or ClusterConfigError; then the slot may be
   * filled, unless the error says that it is not.
   */
  fill(order: FillOrder): Promise<FillOutcome>;
}

interface Waiting {
  readonly order: FillOrder;
  readonly deadline: number;
  readonly settle: (outcome: FillOutcome) => void;
  readonly fail: (error: unknown) => void;
}

interface Queue {
  readonly waiting: Waiting[];
  isBusy: boolean;
  /** Id of the redemption that filled the last slot. */
  last: string | undefined;
}

// Who follows a redemption whose grant is forgotten here is told that it was not tried, and reads.
const MOST_QUEUES = 1_000;

/**
 * Fills slots with the client of this thread. The next slot of a grant is tried once it is known that the one before it is
 * filled, and never where that is not known: nobody skips a slot unread.
 */
export class InOrder implements SlotFiller {
  readonly #client: Pick<KubernetesClient, 'create'>;
  readonly #queues = new Map<string, Queue>();

  constructor(client: Pick<KubernetesClient, 'create'>) {
    this.#client = client;
  }

  fill(order: FillOrder): Promise<FillOutcome> {
    const queue = this.#queueOf(order.resource.spec.grantUid);
    return new Promise((settle, fail) => {
      queue.waiting.push({ order, deadline: performance.now() + order.withinMs, settle, fail });
      if (!queue.isBusy) void this.#work(queue);
    });
  }

  #queueOf(uid: string): Queue {
    const queue = this.#queues.get(uid) ?? { waiting: [], isBusy: false, last: undefined };
    this.#queues.delete(uid);
    this.#queues.set(uid, queue);
    for (const [oldest, { isBusy }] of this.#queues) {
      if (this.#queues.size <= MOST_QUEUES) break;
      if (!isBusy) this.#queues.delete(oldest);
    }
    return queue;
  }

  async #work(queue: Queue): Promise<void> {
    queue.isBusy = true;
    for (let next = queue.waiting.shift(); next; next = queue.waiting.shift()) {
      const { order, deadline, settle, fail } = next;
      const { follows, resource, turn } = order;
      try {
        if (follows !== undefined && follows !== queue.last) settle('untried');
        else if (performance.now() >= deadline) settle('late');
        else {
          const isLast = !order.isAmid && queue.waiting.length === 0;
          const said = turnText(turn.of, isLast ? turn.heir : turn.of);
          const isFilled = await this.#create(resource, said, deadline);
          // Who joined behind it since then comes after the turn that it names.
          if (isFilled) queue.last = isLast && turn.heir !== undefined ? undefined : resource.spec.id;
          if (isFilled) settle(isLast ? 'filled_last' : 'filled');
          else settle('taken');
        }
      } catch (error) {
        fail(error);
      }
    }
    queue.isBusy = false;
  }

  /** False if the slot is filled already. A write of which nobody knows whether it was carried out is repeated. */
  async #create(resource: RedemptionResource, turn: string, deadline: number): Promise<boolean> {
    const placed = { ...resource, metadata: { ...resource.metadata, annotations: { [TURN]: turn } } };
    try {
      await persistently(deadline, () => this.#client.create<RedemptionResource>(REDEMPTIONS, placed));
      return true;
    } catch (error) {
      if (isApiError(error, 'already_exists')) return false;
      throw error;
    }
  }
}
