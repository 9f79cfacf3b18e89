import type { Settings } from '../config/setting-schemas.js';
import { readOptionalText } from '../files/bounded-text.js';
import { CachedConnections } from '../redemption/administration/cached-connections.js';
import type { Clock } from '../redemption/ports/clock.js';
import type { ConnectionObserver } from '../redemption/ports/connections.js';

/** The configured network observer; undefined without one. Its files are read at each observation. */
export function networkObserver(
  {
    observer: url,
    observerCa,
    observerCredentials,
  }: Pick<Settings, 'observer' | 'observerCa' | 'observerCredentials'>,
  clock: Clock,
): ConnectionObserver | undefined {
  if (url === undefined) return undefined;
  const read = async (signal: AbortSignal) => {
    const access = {
      url,
      ca: readOptionalText(observerCa),
      credentials: readOptionalText(observerCredentials)?.trim(),
    };
    const { readRouterLinks } = await import('../client/network-observer.js');
    return readRouterLinks(access, { clock }, signal);
  };
  return new CachedConnections(read, clock);
}
