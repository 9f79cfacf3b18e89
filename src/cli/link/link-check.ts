import { createLinkDialer } from '../../compose/open-links.js';
import { formatEndpoint } from '../../domain/host-port-text.js';
import { PROXY_CONFIGURATION } from '../../domain/link.js';
import type { LinkFailure, LinkFault } from '../../redemption/ports/link-dialer.js';
import type { LinkFiles, StoredLink } from '../../redemption/ports/link-files.js';
import { checkLink, type LinkCheck } from '../../redemption/requesting/check-link.js';
import {
  type CommandConnectionOptions,
  type ConnectionFlags,
  connectionOptions,
} from '../flags/connection-flags.js';
import { CommandError } from '../terminal/command-error.js';
import { formatTime, print } from '../terminal/output.js';
import type { OutputFormat } from '../terminal/output-format.js';
import { plain } from '../terminal/plain-text.js';
import { adviceForFault, worstOf } from './link-faults.js';
import { proxyUrl } from './proxy-secret.js';
import { type LinkFlags, openSiteLinks, requireLinks } from './site-links.js';

/** The flags of `link check`. */
export type LinkCheckFlags = LinkFlags & ConnectionFlags & { readonly output?: OutputFormat };

/** A row of the report: an endpoint of a link; without `endpoint`, a failure of the whole link. */
interface Row {
  readonly link: string;
  readonly endpoint?: string;
  readonly status: 'ok' | 'failed';
  readonly fault?: LinkFault;
  readonly message?: string;
  readonly hint?: string;
  readonly routerNotAfter?: string;
}

/** `link check`: dials every endpoint of the named links, or of all links. The worst failure determines the exit code. */
export async function linkCheckCommand(name: string | undefined, flags: LinkCheckFlags): Promise<void> {
  const options = connectionOptions(flags);
  const siteLinks = await openSiteLinks(flags);
  const links = name === undefined ? await siteLinks.links.list() : await requireLinks(siteLinks, name);
  if (links.length === 0) {
    throw new CommandError(`there are no links in ${siteLinks.where}`, {
      exitCode: 1,
      hint: 'redeem a token first',
    });
  }
  const checks = await Promise.all(
    links.map((link) => checkAsRouter(link, siteLinks.links, options, flags.proxy !== undefined)),
  );
  const rows = checks.flatMap(rowsOf);
  await print(flags.output, rows, () => rows.map(rowText).join(''));
  throwWorstFault(rows);
}

function failureRow(link: string, { fault, message }: LinkFailure, endpoint?: string): Row {
  const { hint } = adviceForFault(fault);
  return { link, ...(endpoint !== undefined && { endpoint }), status: 'failed', fault, message, hint };
}

function rowsOf({ link, failure, endpoints }: LinkCheck): Row[] {
  if (failure) return [failureRow(link.name, failure)];
  return endpoints.map(({ endpoint, outcome }) => {
    const address = formatEndpoint(endpoint);
    if ('fault' in outcome) return failureRow(link.name, outcome, address);
    const routerNotAfter = formatTime(outcome.routerNotAfter);
    return { link: link.name, endpoint: address, status: 'ok', routerNotAfter };
  });
}

function rowText({ link, endpoint, status, fault, message, hint, routerNotAfter }: Row): string {
  const subject = endpoint === undefined ? link : `${link}  ${endpoint}`;
  if (status === 'ok') return `ok      ${subject}  (the router's certificate expires ${routerNotAfter})\n`;
  return plain`failed  ${subject}  ${fault}: ${message}\n        hint: ${hint}\n`;
}

function throwWorstFault(rows: readonly Row[]): void {
  const failures = rows.flatMap(({ fault, message }) => (fault === undefined ? [] : [{ fault, message }]));
  const worst = worstOf(failures, ({ fault }) => adviceForFault(fault).exitCode);
  if (!worst) return;
  throw new CommandError(
    `${failures.length} of ${rows.length} failed; ${worst.message}`,
    adviceForFault(worst.fault),
  );
}

/**
 * Dials the endpoints of a Link as its router does: through the proxy that the Link names. If the Link names none, or with
 * `ignoresLinkProxy`, dials through the proxy of `options`. A missing Secret is a failure.
 */
export async function checkAsRouter(
  link: StoredLink,
  links: LinkFiles,
  options: CommandConnectionOptions,
  ignoresLinkProxy = false,
): Promise<LinkCheck> {
  const proxySecret = ignoresLinkProxy ? undefined : link.settings?.[PROXY_CONFIGURATION];
  const proxy = proxySecret === undefined ? undefined : await links.findProxy(proxySecret);
  if (proxySecret !== undefined && !proxy) {
    const message = `Secret "${proxySecret}" with the host and port of the link's proxy does not exist.`;
    return { link, failure: { fault: 'proxy', message }, endpoints: [] };
  }
  const dial = createLinkDialer({ ...options, ...(proxy && { proxy: proxyUrl(proxy), noProxy: undefined }) });
  const secret = await links.findSecret(link.tlsCredentials);
  if (!secret) {
    const message = `${await links.explainMissingSecret(link.tlsCredentials)}.`;
    return { link, failure: { fault: 'credentials_missing', message }, endpoints: [] };
  }
  return checkLink(link, secret, { dial, clock: options.clock });
}
