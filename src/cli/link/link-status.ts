import { existsSync } from 'node:fs';
import { networkObserver } from '../../compose/network-observers.js';
import { linkDirectory, RenewalRuns } from '../../compose/open-links.js';
import { hasStore, openStore } from '../../compose/open-store.js';
import { issuerDirectory } from '../../compose/service-issuers.js';
import { type LoadedState, openRequestingSite } from '../../compose/token-redemption.js';
import { commandContext } from '../../config/command-context.js';
import type { Settings } from '../../config/setting-schemas.js';
import { readService } from '../../redemption/accepting/service-description.js';
import { PeerIndex } from '../../redemption/administration/link-connections.js';
import { readRetiredCas } from '../../redemption/issuers/retired-cas.js';
import type { ListedRedemption } from '../../redemption/ports/grant-store.js';
import { type LinkFiles, linksNamed, type StoredLink } from '../../redemption/ports/link-files.js';
import { everyItem } from '../../redemption/ports/page.js';
import { configurationFrom } from '../session/configuration.js';
import { CommandError, usageError } from '../terminal/command-error.js';
import type { ListFlags } from '../terminal/listing.js';
import { type IncomingReport, incomingReport, revokedNote } from './incoming-link.js';
import { type LinkColumn, type LinkLists, warningsOf, writeLinks } from './link-listing.js';
import { openSettingsCluster } from './link-target.js';
import { type OutgoingReport, outgoingReport } from './outgoing-link.js';
import { type LinkFlags, linkDirectoryOf, requireDirectory } from './site-links.js';
import { siteNamespace } from './site-namespace.js';

const OUTGOING: readonly LinkColumn[] = [
  'NAME',
  'COST',
  'ENDPOINTS',
  'SUBJECT',
  'CERTIFICATE EXPIRES',
  'RENEWED BY',
];

/** `link status`: reports the outgoing and the incoming links of a site. */
export async function linkStatusCommand(
  name: string | undefined,
  flags: LinkFlags & ListFlags,
): Promise<void> {
  const { dir } = flags;
  const { settings } = configurationFrom(flags);
  if (settings.platform === 'kubernetes' && dir === undefined) {
    const cluster = await openSettingsCluster(settings);
    const { clusterLinkLists } = await import('./cluster-link-status.js');
    return writeLinks(() => clusterLinkLists(name, cluster), flags);
  }
  return writeLinks(() => localLinks(name, dir, settings), flags);
}

async function localLinks(
  name: string | undefined,
  dir: string | undefined,
  settings: Settings,
): Promise<LinkLists> {
  const outgoing = await outgoingReports(name, dir, settings);
  const incoming = await incomingReports(name, settings);
  if (!outgoing && !incoming) {
    throw usageError(
      'there are no links to report: there is no store, and no --dir is given',
      'set --dir to the directory of the Link and Secret files, or --platform, or --data-dir to that of a service',
    );
  }
  if (name !== undefined && !outgoing?.length && !incoming?.length) {
    throw new CommandError(`there is no link "${name}"`, {
      exitCode: 1,
      hint: 'list the links: run `linkgrant link status` without a name, with the same flags',
    });
  }
  const links = outgoing ?? [];
  return {
    outgoing,
    incoming,
    outgoingColumns: links.some(({ router }) => router !== undefined) ? [...OUTGOING, 'ROUTER'] : OUTGOING,
    outgoingNotes: warningsOf(links) + routerNotes(links),
    incomingNotes: revokedNote(incoming ?? [], '`linkgrant redemption revoke ID --cut` prevents that'),
  };
}

/** Reports the Links in `--dir`, else those of the system site; undefined if there is neither. */
async function outgoingReports(name: string | undefined, dir: string | undefined, settings: Settings) {
  const directory = linkDirectoryOf(dir, settings);
  if (directory === undefined) return undefined;
  const links = linkDirectory(directory);
  const hasTimer = new RenewalRuns(settings.dataDir, directory).isRecent(commandContext().clock());
  if (settings.platform === 'standalone' || dir !== undefined) {
    requireDirectory(directory);
    return reportsOf(links, name, hasTimer);
  }
  const namespace = siteNamespace(settings);
  const site = openRequestingSite(settings.skupperHome, namespace);
  if (site.state() === 'no-site' && !existsSync(site.inputResources)) {
    throw new CommandError(`namespace "${namespace}" has no site below ${settings.skupperHome}`, {
      exitCode: 1,
      hint: 'check --namespace and --skupper-home, or set --dir',
    });
  }
  const loaded = site.loadedLinks();
  const running = linkDirectory(site.runtimeResources);
  const isOnlyLoaded = (link: StoredLink) => loaded.get(link.name) === 'only-loaded';
  return [
    ...(await reportsOf(links, name, hasTimer, loaded)),
    ...(await reportsOf(running, name, hasTimer, loaded, isOnlyLoaded)),
  ];
}

/** Reports the Links in `files`; with `loaded`, also the state of each in the running router. */
async function reportsOf(
  files: LinkFiles,
  name: string | undefined,
  hasTimer: boolean,
  loaded?: ReadonlyMap<string, LoadedState>,
  isReported: (link: StoredLink) => boolean = () => true,
): Promise<readonly OutgoingReport[]> {
  const links = (await files.list()).filter(isReported);
  const named = name === undefined ? links : linksNamed(links, name);
  return Promise.all(
    named.map(async (link) => ({
      ...outgoingReport(link, await files.findSecret(link.tlsCredentials), hasTimer),
      ...(loaded && { router: loaded.get(link.name) ?? 'absent' }),
    })),
  );
}

const ROUTER_NOTES: Partial<Record<LoadedState, string>> = {
  outdated: 'the router uses the link as it was at its last reload; reload the site to load the change',
  renewed:
    'the router still uses the certificate from before the renewal; reload the site to load the new one',
  absent: 'the router has not loaded the link yet; reload the site to load it',
  'only-loaded':
    'only the running router has the link: its file was removed, or Skupper redeemed its token; the next reload drops the link, or redeems the token again',
};

function routerNotes(links: readonly OutgoingReport[]): string {
  const notes = links.flatMap(({ name, router }) => {
    const note = router && ROUTER_NOTES[router];
    return note === undefined ? [] : [`note: ${name}: ${note}\n`];
  });
  return notes.join('');
}

/** Reports the links of the redemptions in the store, on a system platform only those of the site; undefined without a store. */
async function incomingReports(
  name: string | undefined,
  settings: Settings,
): Promise<readonly IncomingReport[] | undefined> {
  if (!hasStore(settings)) return undefined;
  const isSystem = settings.platform !== 'standalone';
  const uid = isSystem ? openRequestingSite(settings.skupperHome, siteNamespace(settings)).uid() : undefined;
  const { clock } = commandContext();
  const store = await openStore(settings, commandContext(), false);
  try {
    const peers = new PeerIndex(await networkObserver(settings, clock)?.observe());
    // A site that was never started has no uid, and has issued no link.
    const isWanted = (redemption: ListedRedemption) =>
      (!isSystem || (uid !== undefined && redemption.siteUid === uid)) &&
      (name === undefined || redemption.name === name);
    const redemptions = await everyItem((page) => store.listRedemptions(page, isWanted));
    const readDescription = () => readService(store);
    const issuers = issuerDirectory({ ...settings, readService: readDescription }, clock);
    const isCaRetired = await readRetiredCas(issuers);
    return redemptions.map((redemption) => incomingReport(redemption, clock(), peers, isCaRetired));
  } finally {
    await store.close();
  }
}
