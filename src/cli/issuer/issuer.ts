import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { hasStore } from '../../compose/links.js';
import { issueSiteCertificate, SITE_CA } from '../../compose/site-issuer.js';
import { isHost } from '../../config/host-port.js';
import type { Settings } from '../../config/setting-schemas.js';
import { readBoundedText } from '../../files/bounded-text.js';
import { explainFileError } from '../../files/file-error.js';
import { makeNamedDirectory, requireReplaceable } from '../../files/named-output.js';
import { writePrivateFile } from '../../files/private-file.js';
import { splitCertificates } from '../../pki/certificate-info.js';
import { CommandError } from '../terminal/command-error.js';
import { configurationFrom } from '../terminal/configuration.js';
import { formatTime } from '../terminal/output.js';
import { withStore } from '../terminal/store-session.js';
import { writeOut } from '../terminal/write-out.js';
import { ISSUERS_ARE_SECRETS } from './issuer-session.js';

/** The flags of `issuer server-certificate`, including settings; `to` is a directory. */
export interface ServerCertificateFlags {
  readonly host?: readonly string[];
  readonly to?: string;
  readonly issuer?: string;
  readonly [flag: string]: unknown;
}

/** The platform of the site: that of the service on the store, else that of the settings. */
async function platformOf(settings: Settings, flags: Readonly<Record<string, unknown>>): Promise<string> {
  if (settings.platform !== 'standalone' || !hasStore(settings)) return settings.platform;
  return withStore(flags, async ({ service }) => service?.platform ?? 'standalone');
}

/** Writes the files, or replaces those of an earlier certificate of the same CA. */
function writeCertificate(
  to: string,
  { ca, cert, key }: { readonly ca: string; readonly cert: string; readonly key: string },
): void {
  makeNamedDirectory(to);
  const contents = [
    ['ca.crt', ca],
    ['tls.key', key],
    ['tls.crt', cert],
  ] as const;
  const caFile = join(to, 'ca.crt');
  // After a rotation the CA file contains the previous CA too.
  const isOfCa = () =>
    existsSync(caFile) && splitCertificates(readBoundedText(caFile)).some((one) => ca.includes(one.trim()));
  for (const [name] of contents) {
    try {
      requireReplaceable(join(to, name), isOfCa);
    } catch (error) {
      throw new Error(`${name}: ${explainFileError(join(to, name), error).reason}`, { cause: error });
    }
  }
  // The CA first: a later run recognizes the other files by it.
  for (const [name, content] of contents) writePrivateFile(join(to, name), content);
}

/**
 * `issuer server-certificate`: writes `tls.crt`, `tls.key` and `ca.crt` for a router that accepts links of the site CA, or of
 * another CA. Refused on a system platform, where Skupper creates them with an issuer of the site.
 */
export async function serverCertificateCommand(flags: ServerCertificateFlags): Promise<void> {
  const { host: hosts = [], to, issuer = SITE_CA, ...settingFlags } = flags;
  const wrong = hosts.find((host) => !isHost(host));
  if (hosts.length === 0 || wrong !== undefined) {
    throw new CommandError(wrong === undefined ? 'no --host was given' : `--host cannot be "${wrong}"`, {
      exitCode: 2,
      hint: 'name each DNS name or address that links reach the router by',
    });
  }
  if (to === undefined)
    throw new CommandError('no --to was given', { exitCode: 2, hint: 'name a directory' });
  const { settings } = configurationFrom(settingFlags, ISSUERS_ARE_SECRETS);
  const platform = await platformOf(settings, settingFlags);
  if (platform !== 'standalone') {
    throw new CommandError(`on ${platform} the server certificates of a router are Skupper's`, {
      exitCode: 2,
      hint: "name the host in spec.subjectAlternativeNames of the site's RouterAccess in input/resources and reload the site; its issuer signs then",
    });
  }
  const issued = await issueSiteCertificate(settings, { issuer, hosts }, Date.now());
  try {
    writeCertificate(to, issued);
  } catch (error) {
    throw new CommandError(`"${to}" cannot be written: ${explainFileError(to, error).reason}`, {
      exitCode: 1,
      hint: 'name a new directory with --to, in one that is there and that you can write to',
      cause: error,
    });
  }
  await writeOut(
    `Written to ${to}: tls.crt, tls.key and ca.crt for ${hosts.join(', ')}, valid until ${formatTime(issued.notAfter)}\n`,
  );
}
