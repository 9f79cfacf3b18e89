import { join } from 'node:path';
import { makePrivateDirectory, writePrivateFile } from '../files/private-file.js';
import { isHost } from '../host-port.js';
import { hasStore } from '../link-side.js';
import type { Settings } from '../setting-schemas.js';
import { issueSiteCertificate } from '../site-issuer.js';
import { CommandError } from './command-error.js';
import { configurationFrom } from './configuration.js';
import { formatTime } from './output.js';
import { withStore } from './store-session.js';
import { writeOut } from './write-out.js';

/** The flags of `issuer server-certificate`, those of the settings among them; `to` is a directory. */
export interface ServerCertificateFlags {
  readonly host?: readonly string[];
  readonly to?: string;
  readonly [flag: string]: unknown;
}

/** What the site runs on: as these settings say, or the service that has run on their store. */
async function platformOf(settings: Settings, flags: Readonly<Record<string, unknown>>): Promise<string> {
  if (settings.platform !== 'standalone' || !hasStore(settings)) return settings.platform;
  return withStore(flags, async ({ service }) => service?.platform ?? 'standalone');
}

/**
 * Writes `tls.crt`, `tls.key` and `ca.crt` for a router that accepts the links of this service's site CA. Refused on a
 * system platform, where Skupper makes them with an issuer of the site.
 */
export async function serverCertificateCommand(flags: ServerCertificateFlags): Promise<void> {
  const { host: hosts = [], to, ...settingFlags } = flags;
  const wrong = hosts.find((host) => !isHost(host));
  if (hosts.length === 0 || wrong !== undefined) {
    throw new CommandError(wrong === undefined ? 'no --host was given' : `--host cannot be "${wrong}"`, {
      exitCode: 2,
      hint: 'name each DNS name or address that links reach the router by',
    });
  }
  if (to === undefined)
    throw new CommandError('no --to was given', { exitCode: 2, hint: 'name a directory' });
  const { settings } = configurationFrom(settingFlags);
  const platform = await platformOf(settings, settingFlags);
  if (platform !== 'standalone') {
    throw new CommandError(`on ${platform} the server certificates of a router are Skupper's`, {
      exitCode: 2,
      hint: "name the host in spec.subjectAlternativeNames of the site's RouterAccess in input/resources and reload the site; its issuer signs then",
    });
  }
  const issued = await issueSiteCertificate(settings, hosts, Date.now());
  try {
    makePrivateDirectory(to);
    writePrivateFile(join(to, 'tls.key'), issued.key);
    writePrivateFile(join(to, 'tls.crt'), issued.cert);
    writePrivateFile(join(to, 'ca.crt'), issued.ca);
  } catch (error) {
    throw new CommandError(`"${to}" cannot be written: ${(error as Error).message}`, {
      exitCode: 1,
      hint: 'name a directory that you can write to with --to',
      cause: error,
    });
  }
  await writeOut(
    `Written to ${to}: tls.crt, tls.key and ca.crt for ${hosts.join(', ')}, valid until ${formatTime(issued.notAfter)}\n`,
  );
}
