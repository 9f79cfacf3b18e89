import { realpathSync } from 'node:fs';
import { formatHostPort } from '../domain/host-port-text.js';
import type { Settings } from './setting-schemas.js';
import type { SettingKey } from './settings.js';

/**
 * Returns, as text, the settings that must be the same for all services on one data directory or store: the published
 * description and the server certificate depend on them. The data directory must exist.
 */
export function sharedSettings(settings: Settings): Readonly<Partial<Record<SettingKey, string>>> {
  const { platform, externalUrl, listen, host, endpoint, tlsCa, issuerCert, skupperHome, namespace } =
    settings;
  const listenHost = tlsCa === undefined ? listen.host : '';
  const values = {
    platform,
    ...(platform !== 'standalone' && { skupperHome, namespace: namespace ?? null }),
    externalUrl: externalUrl?.href ?? null,
    pathPrefix: settings.pathPrefix ?? externalUrl?.pathname ?? '/',
    host: host ?? [],
    // Behind one external URL each service may have a port of its own.
    listen: externalUrl ? listenHost : formatHostPort(listen),
    endpoint: endpoint ?? [],
    tlsCa: tlsCa ?? null,
    issuerCert: issuerCert ?? null,
    dataDir: realpathSync(settings.dataDir),
  } satisfies Partial<Record<SettingKey, unknown>>;
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, JSON.stringify(value)]));
}

/**
 * Returns the settings that must be the same for services on different hosts that share a store. Paths may differ. Instead, `ca`,
 * the CA in tokens, must be the same: it has to verify the certificate of each service.
 */
export function storeSettings(settings: Settings, ca: string): Readonly<Partial<Record<SettingKey, string>>> {
  const { dataDir: _, skupperHome: __, issuerCert: ___, ...values } = sharedSettings(settings);
  return { ...values, tlsCa: ca };
}
