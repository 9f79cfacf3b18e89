import { join } from 'node:path';
import { makePrivateDirectory, writePrivateFile } from '../files/private-file.js';
import { isHost } from '../host-port.js';
import { issueSiteCertificate } from '../site-issuer.js';
import { CommandError } from './command-error.js';
import { configurationFrom } from './configuration.js';
import { formatTime } from './output.js';
import { writeOut } from './write-out.js';

/** The flags of `issuer server-certificate`, those of the settings among them; `to` is a directory. */
export interface ServerCertificateFlags {
  readonly host?: readonly string[];
  readonly to?: string;
  readonly [flag: string]: unknown;
}

/** Writes `tls.crt`, `tls.key` and `ca.crt` for a router that accepts the links of this service's site CA. */
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
