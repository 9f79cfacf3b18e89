import { encodeLinkDocuments } from '../../domain/link-resources.js';
import type { Materializer } from '../../redemption/ports/materializer.js';

/** Materializes as one YAML stream, ready for `kubectl apply -f -`, through `write`; nothing is ever in its way. */
export function streamMaterializer(write: (text: string) => Promise<void>): Materializer {
  return {
    probe: async () => undefined,
    findRenewed: async () => undefined,
    materialize: async (secret, links, checkpoint) => {
      // One write, so that whoever reads never has a Secret without its Links.
      await write(encodeLinkDocuments(secret, links, { managed: true }));
      await checkpoint('secret-written');
      for (const _ of links) await checkpoint('link-written');
      return [];
    },
  };
}
