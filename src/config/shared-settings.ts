import { realpathSync } from 'node:fs';
import { formatHostPort } from '../domain/host-port-text.js';
import type { Settings } from './setting-schemas.js';
import type { SettingKey } from './settings.js';

/**
 * The settings that services on one data directory or store have to have in common, each as a text: what they publish, and
 * what their server certificate names, is made of them. The data directory must be there.
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
    // Behind one external URL each may have a port of its own.
    listen: externalUrl ? listenHost : formatHostPort(listen),
    endpoint: endpoint ?? [],
    tlsCa: tlsCa ?? null,
    issuerCert: issuerCert ?? null,
    dataDir: realpathSync(settings.dataDir),
  } satisfies Partial<Record<SettingKey, unknown>>;
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, JSON.stringify(value)]));
}

/**
 * The same for services on one store that have files of their own, on other hosts: in place of paths, the CA that tokens
 * carry, which all of them have to prove themselves with.
 */
export function storeSettings(settings: Settings, ca: string): Readonly<Partial<Record<SettingKey, string>>> {
  const { dataDir: _, skupperHome: __, issuerCert: ___, ...values } = sharedSettings(settings);
  return { ...values, tlsCa: ca };
}
