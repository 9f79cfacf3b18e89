import { existsSync, statSync } from 'node:fs';
import { hasStore, openLinkSide, siteUid } from '../../compose/link-side.js';
import { openStore } from '../../compose/open-store.js';
import { type LoadedState, openRequestingSite, type RequestingSite } from '../../compose/requesting-side.js';
import type { Settings } from '../../config/setting-schemas.js';
import type { Checkpoint, Clock } from '../../redemption/ports/clock.js';
import { type LinkFiles, linksNamed, type StoredLink } from '../../redemption/ports/link-files.js';
import type { RenewedRedemption } from '../../redemption/ports/renewal-store.js';
import { CommandError } from '../terminal/command-error.js';
import { anyConfigurationFrom } from '../terminal/configuration.js';
import { print, table } from '../terminal/output.js';
import type { OutputFormat } from '../terminal/output-format.js';
import { incomingReport, incomingText, revokedNote } from './incoming-link.js';
import { type LinkFlags, linkDirectoryOf, openSettingsCluster } from './link.js';
import { outgoingReport } from './outgoing-link.js';
import { siteNamespace } from './site-namespace.js';

const PAGE = 500;

interface Context {
  readonly clock: Clock;
  readonly checkpoint: Checkpoint;
}

/** Tells of the links that this site makes, from their files, and of those that it gave out, from the store. */
export async function statusCommand(
  name: string | undefined,
  flags: LinkFlags & { readonly output?: OutputFormat },
  context: Context,
): Promise<void> {
  const { output, dir, ...settingFlags } = flags;
  const { settings } = anyConfigurationFrom(settingFlags);
  if (settings.platform === 'kubernetes' && dir === undefined) {
    const cluster = await openSettingsCluster(settings, context);
    return (await import('./cluster-link-status.js')).clusterStatus(name, cluster, context, output);
  }
  const namespace = siteNamespace(settings);
  const directory = linkDirectoryOf(dir, settings);
  if (directory === undefined && !hasStore(settings)) {
    throw new CommandError('there is no store, and no --dir was given: nothing to tell of', {
      exitCode: 2,
      hint: 'name the directory of the Link and Secret files with --dir, or a --platform, or --data-dir of a service',
    });
  }
  const isSite = settings.platform !== 'standalone' && dir === undefined;
  const site = isSite ? openRequestingSite(settings.skupperHome, namespace) : undefined;
  if (directory !== undefined && !site) requireDirectory(directory);
  if (site?.state() === 'no-site' && !existsSync(site.inputResources)) {
    throw new CommandError(`namespace "${namespace}" has no site below ${settings.skupperHome}`, {
      exitCode: 1,
      hint: 'check --namespace and --skupper-home, or name a directory with --dir',
    });
  }
  const place = directory === undefined ? undefined : openLinkSide(directory, settings.dataDir);
  const outgoing = place
    ? await outgoingReports({ links: place.links, dataDir: settings.dataDir }, name, site, context)
    : [];
  const redemptions = hasStore(settings) ? await incoming(settings, namespace, context) : undefined;
  const received = redemptions
    ?.filter(({ redemption }) => name === undefined || redemption.name === name)
    .map((renewed) => incomingReport(renewed, context.clock()));
  if (name !== undefined && outgoing.length === 0 && (received?.length ?? 0) === 0) {
    throw new CommandError(`there is no link "${name}"`, {
      exitCode: 1,
      hint: 'see `linkgrant link status` with the same flags, without a name',
    });
  }
  const value = {
    ...(place && { outgoing }),
    ...(received && { incoming: received }),
  };
  await print(output, value, () =>
    [
      place ? outgoingText(outgoing) : '',
      place && received ? '\n' : '',
      received ? incomingText(received) : '',
      received ? revokedNote(received, '`linkgrant redemption revoke ID --cut` prevents that') : '',
    ].join(''),
  );
}

function requireDirectory(directory: string): void {
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory()) return;
  throw new CommandError(`there is no directory ${directory}`, {
    exitCode: 1,
    hint: 'name the directory of the Link and Secret files with --dir',
  });
}

/** The Links of a directory; for a site also what its router has of each, and the ones that only its router has. */
async function outgoingReports(
  { links, dataDir }: { readonly links: LinkFiles; readonly dataDir: string },
  name: string | undefined,
  site: RequestingSite | undefined,
  context: Context,
) {
  const loaded = site?.loadedLinks();
  const reportsOf = async (files: LinkFiles, isShown: (link: StoredLink) => boolean) => {
    const all = (await files.list()).filter(isShown);
    const shown = name === undefined ? all : linksNamed(all, name);
    return Promise.all(
      shown.map(async (link) => ({
        ...outgoingReport(link, await files.findSecret(link.tlsCredentials), context),
        ...(loaded && { router: loaded.get(link.name) ?? 'absent' }),
      })),
    );
  };
  const inPlace = await reportsOf(links, () => true);
  if (!site) return inPlace;
  const running = openLinkSide(site.runtimeResources, dataDir).links;
  return [...inPlace, ...(await reportsOf(running, (link) => loaded?.get(link.name) === 'only-loaded'))];
}

type Outgoing = Awaited<ReturnType<typeof outgoingReports>>[number];

const ROUTER_WORDS = {
  current: 'has it',
  outdated: 'has it as it was',
  renewed: 'renewed, not in use',
  absent: 'not yet',
  'only-loaded': 'alone has it',
} as const satisfies Record<LoadedState, string>;

const ROUTER_NOTES: Partial<Record<LoadedState, string>> = {
  outdated: 'the router goes by what it was at its last reload; reload the site to put the change to use',
  renewed:
    'the router still has the certificate from before the renewal; reload the site to put the new one to use',
  absent: 'the router does not have it yet; reload the site to put it to use',
  'only-loaded':
    'only the running router has it: its file was removed, or Skupper itself redeemed it; the next reload drops it, or redeems its token again',
};

function outgoingText(links: readonly Outgoing[]): string {
  if (links.length === 0) return 'There are no outgoing links.\n';
  const rows = links.map((link) => [
    link.name,
    String(link.cost),
    link.endpoints.join(', ') || '-',
    'subject' in link ? link.subject : '-',
    'notAfter' in link ? link.notAfter : '-',
    'notAfter' in link ? (link.renewedBy ?? 'nothing') : '-',
    ...(link.router === undefined ? [] : [ROUTER_WORDS[link.router]]),
  ]);
  const notes = links.flatMap(({ name, router }) => {
    const note = router && ROUTER_NOTES[router];
    return note === undefined ? [] : [`note: ${name}: ${note}\n`];
  });
  const columns = ['NAME', 'COST', 'ENDPOINTS', 'SUBJECT', 'CERTIFICATE ENDS', 'RENEWED BY'];
  if (links.some(({ router }) => router !== undefined)) columns.push('ROUTER');
  const warnings = links.flatMap(({ name, warning }) =>
    warning === undefined ? [] : [`warning: ${name}: ${warning}\n`],
  );
  return `Outgoing links\n${table(columns, rows)}${warnings.join('')}${notes.join('')}`;
}

/** Every redemption, on a system platform those of the namespace's site. */
async function incoming(
  settings: Settings,
  namespace: string,
  { clock }: Context,
): Promise<readonly RenewedRedemption[]> {
  const store = await openStore(settings, { clock, checkpoint: () => {} }, false);
  const isSystem = settings.platform !== 'standalone';
  const uid = isSystem ? siteUid(settings.skupperHome, namespace) : undefined;
  try {
    const redemptions: RenewedRedemption[] = [];
    let after: string | undefined;
    do {
      const page = await store.listRedemptions({ limit: PAGE, ...(after !== undefined && { after }) });
      for (const redemption of page.items) {
        // A site that has no uid yet has given nothing out.
        if (isSystem && (uid === undefined || redemption.siteUid !== uid)) continue;
        redemptions.push((await store.findRenewedRedemption(redemption.id)) ?? { redemption, renewals: [] });
      }
      after = page.next;
    } while (after !== undefined);
    return redemptions;
  } finally {
    await store.close();
  }
}
