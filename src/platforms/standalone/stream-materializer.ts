import { encodeLinkDocuments } from '../../domain/link-resources.js';
import type { Materializer } from '../../redemption/ports/materializer.js';

/** Writes links as one YAML stream for `kubectl apply -f -` through `write`. Conflicts with present resources cannot occur. */
export function streamMaterializer(write: (text: string) => Promise<void>): Materializer {
  return {
    probe: async () => undefined,
    findRenewed: async () => undefined,
    materialize: async (secret, links, checkpoint) => {
      // One write, so that a reader never gets a Secret without its Links.
      await write(encodeLinkDocuments(secret, links, { managed: true }));
      await checkpoint('secret-written');
      for (const _ of links) await checkpoint('link-written');
      return { written: [], changed: [] };
    },
  };
}
