import { type LinkDialOptions, openLinkDialer } from '../../compose/links.js';
import { PROXY_CONFIGURATION } from '../../domain/link.js';
import type { LinkFiles, StoredLink } from '../../redemption/ports/link-files.js';
import { checkLink, type LinkCheck } from '../../redemption/requesting/check-link.js';
import { proxyUrl } from './proxy-secret.js';

/**
 * Checks a Link over the route of its router: through the proxy that the Link names, whose Secret has to exist. Uses `options` if
 * it names none, or if `override` is set.
 */
export async function checkByItsRoute(
  link: StoredLink,
  links: LinkFiles,
  options: LinkDialOptions,
  override = false,
): Promise<LinkCheck> {
  const named = override ? undefined : link.settings?.[PROXY_CONFIGURATION];
  const own = named === undefined ? undefined : await links.findProxy(named);
  if (named !== undefined && !own) {
    const message = `Secret "${named}" with the host and port of the link's proxy is not there.`;
    return { link, failure: { fault: 'proxy', message }, endpoints: [] };
  }
  const dial = openLinkDialer({ ...options, ...(own && { proxy: proxyUrl(own), noProxy: undefined }) });
  return checkLink(link, await links.findSecret(link.tlsCredentials), { dial, clock: options.clock });
}
