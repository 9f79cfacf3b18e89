import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readServerCertificate } from '../client/connection.js';
import { createLinkDialer, type LinkDialOptions } from '../client/link-dial.js';
import type { Settings } from '../config/setting-schemas.js';
import type { HostPort } from '../domain/host-port-text.js';
import { SITE_CA } from '../domain/names.js';
import { UnreadableFileError } from '../files/file-error.js';
import { describeCertificate, splitCertificates } from '../pki/certificate-info.js';
import { directoryMaterializer } from '../platforms/files/directory-materializer.js';
import { linkDirectory } from '../platforms/files/link-directory.js';
import { linkRecords } from '../platforms/files/link-records.js';
import { PendingReload } from '../platforms/files/pending-reload.js';
import { OwnedAuthorities, readAuthority } from '../platforms/standalone/owned-authorities.js';
import { StandaloneSite } from '../platforms/standalone/site.js';
import { streamMaterializer } from '../platforms/standalone/stream-materializer.js';
import { readSiteState } from '../platforms/system/site-state.js';
import { SkupperHome } from '../platforms/system/skupper-home.js';
import type { ServiceDescription } from '../redemption/accepting/service-description.js';
import type { Clock } from '../redemption/ports/clock.js';
import type { LinkFiles, LinkRecords } from '../redemption/ports/link-files.js';
import type { Materializer } from '../redemption/ports/materializer.js';
import type { Site } from '../redemption/ports/site.js';
import { openSystemSite, systemOf } from './system-sites.js';

export { createLinkDialer, type LinkDialOptions };

/** The links of a directory or namespace, and the records of their redemptions. */
export interface OpenLinks {
  readonly links: LinkFiles;
  readonly records: LinkRecords;
}

/** Returns the directory with the input resources of a system site's namespace. */
export function inputDirectory(skupperHome: string, namespace: string): string {
  return new SkupperHome(skupperHome).namespace(namespace).inputResources;
}

/** Names of the namespaces below a Skupper home that have a site, started or not. */
export function siteNamespaces(skupperHome: string): string[] {
  const home = new SkupperHome(skupperHome);
  return home.namespaces().filter((name) => {
    try {
      return readSiteState(home.namespace(name)) !== 'no-site';
    } catch (error) {
      // An unreadable site is reported when it is opened.
      if (error instanceof UnreadableFileError) return true;
      throw error;
    }
  });
}

/** The uid of the started site of a namespace, if there is one. */
export function siteUid(skupperHome: string, namespace: string): string | undefined {
  const state = readSiteState(new SkupperHome(skupperHome).namespace(namespace));
  return typeof state === 'string' ? undefined : (state.uid ?? undefined);
}

/** Opens the links in a directory, and the records of their redemptions in the data directory. */
export function openLinks(directory: string, dataDir: string): OpenLinks {
  return { links: linkDirectory(directory), records: linkRecords(dataDir) };
}

/** Opens the pending reload of a directory of links; changes through it record that a reload is needed. */
export function openPendingReload(dataDir: string, directory: string): PendingReload {
  return new PendingReload(dataDir, directory, sleep);
}

/** PEM of the certificate chain that a TLS server presents, unverified; undefined on a failure. */
export async function fetchServerCertificate(
  target: HostPort,
  options: LinkDialOptions,
): Promise<string | undefined> {
  const signal = AbortSignal.timeout(options.timeoutMs ?? 10_000);
  return readServerCertificate(target, options, signal).catch(() => undefined);
}

/** Writes a generated link into a directory, or through `write` as one stream. */
export function generatedLinkMaterializer(
  to: { readonly directory: string } | { readonly write: (text: string) => Promise<void> },
  clock: Clock,
): Materializer {
  return 'write' in to ? streamMaterializer(to.write) : directoryMaterializer(to.directory, clock);
}

/** True if the configured store exists; a database on a server counts as existing. */
export function hasStore({ store, dataDir }: Settings): boolean {
  return store?.kind === 'postgres' || existsSync(store?.file ?? join(dataDir, 'linkgrant.db'));
}

/**
 * Opens the accepting site without its running service: a system site from its namespace, a standalone site from the published
 * description of the service on this store and from its CA. Returns the reason if it cannot be opened.
 */
export function openAcceptingSite(
  settings: Settings,
  service: ServiceDescription | undefined,
  clock: Clock,
): Site | { readonly unavailable: string; readonly hint: string } {
  if (settings.platform !== 'standalone') {
    const place = service?.system ?? systemOf(settings);
    return openSystemSite({ ...place, hosts: settings.host ?? place.hosts }, clock);
  }
  const now = clock();
  const { dataDir, issuerCert, issuerKey } = settings;
  const authorities = new OwnedAuthorities(dataDir);
  const defaultIssuer =
    issuerCert !== undefined && issuerKey !== undefined
      ? readAuthority(issuerCert, issuerKey, now)
      : authorities.find(SITE_CA, now);
  if (!service || typeof defaultIssuer === 'string') {
    return {
      unavailable: typeof defaultIssuer === 'string' ? defaultIssuer : 'no service has run on this store yet',
      hint: 'start `linkgrant serve` once with the same --data-dir and --endpoint; it need not keep running',
    };
  }
  // The service may have published its description before a rotation.
  const trusted = splitCertificates(defaultIssuer.trustPem).map((pem) => describeCertificate(pem).subject);
  if (service.issuer === null || !trusted.includes(service.issuer)) {
    return {
      unavailable: `the service signs with "${service.issuer}", but this command would use "${defaultIssuer.description}"`,
      hint: 'pass the --issuer-cert and --issuer-key of the service, or its --config',
    };
  }
  return new StandaloneSite({
    endpoints: settings.endpoint ?? service.endpoints,
    defaultIssuer: () => defaultIssuer,
    findIssuer: (name) => authorities.find(name, now),
    clock,
  });
}
