import type { Logger } from 'pino';
import { readGrantFiles } from '../platforms/system/grant-files.js';
import { SkupperHome } from '../platforms/system/skupper-home.js';
import { type Adoption, adoptGrants } from '../redemption/accepting/adopt-grants.js';
import type { SystemPlace } from '../redemption/accepting/service-description.js';
import type { Clock } from '../redemption/ports/clock.js';
import type { DatabaseStore } from '../redemption/ports/database-store.js';
import type { Site } from '../redemption/ports/site.js';

const MESSAGES: Readonly<Record<Adoption['outcome'], string>> = {
  adopted: 'a declared grant is served',
  changed: 'a grant was updated from its file',
  removed: 'a grant was deleted because it is no longer declared',
  waiting: 'a declared grant is not served yet',
  unusable: 'the declaration of a grant was ignored',
};

/**
 * Creates a function that applies the files that declare grants, and logs each result. It logs a reason once until the reason
 * changes. Calls during a run share that run. It never rejects; the next run retries what failed.
 */
export function grantAdoption(
  place: SystemPlace,
  deps: {
    readonly store: DatabaseStore;
    readonly site: Site;
    readonly clock: Clock;
    readonly logger: Logger;
  },
): () => Promise<void> {
  const { logger } = deps;
  const home = new SkupperHome(place.skupperHome);
  let logged = new Set<string>();
  const undeclared = new Set<string>();
  let running: Promise<void> | undefined;
  const adopt = async () => {
    try {
      const present = new Set<string>();
      for (const adoption of await adoptGrants(readGrantFiles(home, place.namespace), deps, undeclared)) {
        const { outcome, ...what } = adoption;
        const key = JSON.stringify(adoption);
        if (what.reason !== undefined) present.add(key);
        if (logged.has(key)) continue;
        const level = what.reason === undefined ? 'info' : 'warn';
        logger[level]({ event: `grant_file_${outcome}`, ...what }, MESSAGES[outcome]);
      }
      logged = present;
    } catch (error) {
      // A grant is deleted only after two complete runs in a row.
      undeclared.clear();
      const event = 'grant_files_failed';
      logger.warn(
        { event, err: error },
        'the files that declare grants were not applied completely; the next run tries again',
      );
    }
  };
  return () => {
    running ??= adopt().finally(() => {
      running = undefined;
    });
    return running;
  };
}
