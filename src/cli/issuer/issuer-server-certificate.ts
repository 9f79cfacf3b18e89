import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { issueSiteCertificate, SITE_CA } from '../../compose/site-issuer.js';
import { commandContext } from '../../config/command-context.js';
import { isHost } from '../../config/host-port.js';
import { readBoundedText } from '../../files/bounded-text.js';
import { explainFileError } from '../../files/file-error.js';
import { refuseForeignDirectory } from '../../files/foreign-directory.js';
import { makeNamedDirectory, requireReplaceable } from '../../files/named-output.js';
import { writePrivateFile } from '../../files/private-file.js';
import { splitCertificates } from '../../pki/certificate-info.js';
import { invalidValue, usageError } from '../terminal/command-error.js';
import { formatTime } from '../terminal/output.js';
import { withTargetErrors } from '../terminal/target-errors.js';
import { writeOut } from '../terminal/write-out.js';
import { platformOf, withIssuers } from './issuer-session.js';

/** The flags of `issuer server-certificate`, including settings. */
export interface ServerCertificateFlags {
  readonly host?: readonly string[];
  /** A directory. */
  readonly to?: string;
  readonly issuer?: string;
  readonly [flag: string]: unknown;
}

/** Writes the three files, or replaces those of an earlier certificate of the same CA. */
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
  // After a rotation `ca` contains the previous CA too, so one certificate in common with the existing file is enough.
  const isSameCa = () =>
    existsSync(caFile) &&
    splitCertificates(readBoundedText(caFile)).some((certificate) => ca.includes(certificate.trim()));
  for (const [name] of contents) {
    try {
      requireReplaceable(join(to, name), isSameCa);
    } catch (error) {
      throw new Error(`${name}: ${explainFileError(join(to, name), error).reason}`, { cause: error });
    }
  }
  // ca.crt first: after a crash the next run may replace the files only if that file has the same CA.
  for (const [name, content] of contents) writePrivateFile(join(to, name), content);
}

/** `issuer server-certificate`: writes `tls.crt`, `tls.key` and `ca.crt` for a router that accepts links. */
export async function issuerServerCertificateCommand(flags: ServerCertificateFlags): Promise<void> {
  const { host: hosts = [], to, issuer = SITE_CA, ...settingFlags } = flags;
  const invalidHost = hosts.find((host) => !isHost(host));
  if (hosts.length === 0 || invalidHost !== undefined) {
    throw usageError(
      invalidHost === undefined
        ? 'no --host was given'
        : `--host "${invalidHost}" is neither a DNS name nor an IP address`,
      'set --host once for each DNS name or IP address at which links connect to the router',
    );
  }
  if (to === undefined) throw usageError('no --to was given', 'set --to to a directory');
  if (to === '' || to === '-') throw invalidValue('--to', to, 'use the path of a directory');
  refuseForeignDirectory(to);
  const issued = await withIssuers(settingFlags, async (session) => {
    const platform = platformOf(session);
    if (platform !== 'standalone') {
      throw usageError(
        `on ${platform} Skupper issues the server certificates of routers`,
        "add the host to spec.subjectAlternativeNames of the site's RouterAccess in input/resources, then reload the site",
      );
    }
    return issueSiteCertificate(session.settings, { issuer, hosts }, commandContext().clock());
  });
  const targetHint = 'set --to to a new directory; its parent directory must exist and be writable';
  withTargetErrors(to, targetHint, () => writeCertificate(to, issued));
  await writeOut(
    `Written to ${to}: tls.crt, tls.key and ca.crt for ${hosts.join(', ')}, valid until ${formatTime(issued.notAfter)}\n`,
  );
}
