import type { Settings } from '../../config/setting-schemas.js';

/** The namespace of the site on this machine that a command means. */
export function siteNamespace({ namespace = 'default' }: Settings): string {
  return namespace;
}
