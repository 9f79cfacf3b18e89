import type { Settings } from '../../config/setting-schemas.js';

/** The namespace of the site on this machine. */
export function siteNamespace({ namespace = 'default' }: Settings): string {
  return namespace;
}
