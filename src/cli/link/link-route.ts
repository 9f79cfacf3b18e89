import { type LinkDialOptions, openLinkDialer } from '../../compose/links.js';
import { PROXY_CONFIGURATION } from '../../domain/link.js';
import type { LinkFiles, StoredLink } from '../../redemption/ports/link-files.js';
import { checkLink, type LinkCheck } from '../../redemption/requesting/check-link.js';
import { proxyUrl } from './proxy-secret.js';

/**
 * Checks a Link as its router connects: through the proxy that the Link names, whose Secret must exist. Uses the proxy of
 * `options` if the Link names none, or if `override` is set.
 */
export async function checkAsRouter(
  link: StoredLink,
  links: LinkFiles,
  options: LinkDialOptions,
  override = false,
): Promise<LinkCheck> {
  const proxySecret = override ? undefined : link.settings?.[PROXY_CONFIGURATION];
  const proxy = proxySecret === undefined ? undefined : await links.findProxy(proxySecret);
  if (proxySecret !== undefined && !proxy) {
    const message = `Secret "${proxySecret}" with the host and port of the link's proxy does not exist.`;
    return { link, failure: { fault: 'proxy', message }, endpoints: [] };
  }
  const dial = openLinkDialer({ ...options, ...(proxy && { proxy: proxyUrl(proxy), noProxy: undefined }) });
  return checkLink(link, await links.findSecret(link.tlsCredentials), { dial, clock: options.clock });
}
