import { MANAGED_BY } from '../../../domain/labels.js';
import { SerialQueue } from '../../../time/serial-queue.js';
import type { KubernetesClient } from '../api/client.js';
import { CONFIG_MAPS } from '../api/kinds.js';
import type { Resource } from '../api/resource.js';
import { createOrUpdate } from './create-or-update.js';

type Settings = Resource & { readonly data?: Readonly<Record<string, string>> };

const NAME = 'linkgrant-settings';
const PROBED = 'probed';

/** The settings of the service, in a ConfigMap of its own namespace. */
export class SettingsConfigMap {
  readonly #client: KubernetesClient;
  readonly #key: { readonly namespace: string; readonly name: string };
  // Increments of one process run one after the other, because concurrent ones would conflict.
  readonly #increments = new SerialQueue();

  constructor(client: KubernetesClient, namespace: string) {
    this.#client = client;
    this.#key = { namespace, name: NAME };
  }

  /** The value of a key. */
  async get(key: string): Promise<string | undefined> {
    return (await this.#client.find<Settings>(CONFIG_MAPS, this.#key))?.data?.[key];
  }

  /** Stores a value. */
  async put(key: string, value: string): Promise<void> {
    await this.#change(() => ({ [key]: value }));
  }

  /** Increments the number of a key, to at least `atLeast`. Each caller gets a different number. */
  next(key: string, atLeast: number): Promise<number> {
    return this.#increments.enqueue(async () => {
      let number = atLeast;
      await this.#change((data) => {
        number = data[key] === undefined ? atLeast : Math.max(Number(data[key]) + 1, atLeast);
        return { [key]: String(number) };
      });
      return number;
    });
  }

  /** Checks with a dry run that settings can be written. Rejects with ApiError if not. */
  async probe(): Promise<void> {
    await this.#client.apply(CONFIG_MAPS, this.#resource({ [PROBED]: '' }), {
      fieldManager: 'linkgrant-probe',
      dryRun: true,
    });
  }

  /** Merges the result of `change` into the ConfigMap. */
  async #change(
    change: (data: Readonly<Record<string, string>>) => Readonly<Record<string, string>>,
  ): Promise<void> {
    await createOrUpdate<Settings>(this.#client, CONFIG_MAPS, this.#key, (stored) => {
      const { data = {} } = stored ?? {};
      return this.#resource({ ...data, ...change(data) });
    });
  }

  #resource(data: Readonly<Record<string, string>>): Settings {
    const metadata = { ...this.#key, labels: { [MANAGED_BY]: 'linkgrant' } };
    return { apiVersion: 'v1', kind: 'ConfigMap', metadata, data };
  }
}
