import { randomUUID, X509Certificate } from 'node:crypto';
import { existsSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { readBoundedText } from '../../files/bounded-text.js';
import { namesIn } from '../../files/directory-names.js';
import {
  createPrivateFile,
  makePrivateDirectory,
  sweepStaleFiles,
  syncDirectory,
  writePrivateFile,
} from '../../files/private-file.js';
import { type CertificateAuthority, CertificateAuthorityError } from '../../pki/authority.js';
import { describeCertificate } from '../../pki/certificate-info.js';
import { crossCertificate } from '../../pki/certificates.js';
import type { Checkpoint, Clock } from '../../redemption/ports/clock.js';
import type {
  ActivateOutcome,
  IssuerCa,
  IssuerCaState,
  PrepareOutcome,
  RotatingIssuers,
} from '../../redemption/ports/issuers.js';
import { directoryLock } from '../files/directory-lock.js';
import {
  type AuthorityFiles,
  isIssuer,
  issuerFiles,
  NEXT,
  pairIn,
  retiringIn,
  TRUSTED,
} from './issuer-directory.js';
import { readAuthority, withAuthorityErrors, writeNewAuthority } from './owned-authorities.js';

const TIMEOUT_MS = 10_000;
// Responses contain every CA of an issuer, and a client accepts at most 16 certificates.
const MAX_AUTHORITIES = 8;
const MAX_BASE_NAME_LENGTH = 56;

/**
 * Returns operations that list and rotate the CAs of the issuers in a data directory. They fail with the errors of
 * RotatingIssuers and of the file system.
 */
export function openIssuers(
  dataDirectory: string,
  { clock, checkpoint }: { readonly clock: Clock; readonly checkpoint: Checkpoint },
): RotatingIssuers {
  const issuers = join(dataDirectory, 'issuers');
  const withIssuerLock = <T>(name: string, operation: (directory: string) => Promise<T>): Promise<T> => {
    const directory = join(issuers, name);
    const withLock = directoryLock(directory, () => TIMEOUT_MS);
    return withLock(async () => {
      await completeActivation(directory, checkpoint);
      sweepStaleFiles(directory, clock(), (base) => base === NEXT || base.startsWith('tls.'), true);
      const trusted = join(directory, TRUSTED);
      if (existsSync(trusted)) sweepStaleFiles(trusted, clock(), () => true);
      return operation(directory);
    });
  };
  return {
    names: () => namesIn(issuers).filter((name) => !name.startsWith('.') && isIssuer(join(issuers, name))),
    list: (name) => (isIssuer(join(issuers, name)) ? listAuthorities(join(issuers, name)) : []),
    prepare: (name) => withIssuerLock(name, (directory) => prepareCa(directory, clock(), checkpoint)),
    activate: (name) => withIssuerLock(name, (directory) => activate(directory, clock(), checkpoint)),
    retire: (name, sha256) => withIssuerLock(name, (directory) => retire(directory, sha256, checkpoint)),
  };
}

function listAuthorities(directory: string): IssuerCa[] {
  const { active, prepared, retiring } = issuerFiles(directory);
  return [
    issuerCa(active, 'active'),
    ...(prepared ? [issuerCa(prepared, 'prepared')] : []),
    ...retiring
      .map((pair) => issuerCa(pair, 'retiring'))
      .sort((a, b) => (a.replacedAt ?? 0) - (b.replacedAt ?? 0)),
  ];
}

function issuerCa(
  { certificate: certificateFile, key: keyFile }: AuthorityFiles,
  state: IssuerCaState,
): IssuerCa {
  const { subject, sha256, notBefore, notAfter } = describe(certificateFile);
  const replacedAt = state === 'retiring' ? Math.round(statSync(certificateFile).mtimeMs) : null;
  return { state, certificateFile, keyFile, subject, sha256, notBefore, notAfter, replacedAt };
}

function describe(certificateFile: string): ReturnType<typeof describeCertificate> {
  return withAuthorityErrors(certificateFile, () => describeCertificate(readBoundedText(certificateFile)));
}

async function prepareCa(directory: string, now: number, checkpoint: Checkpoint): Promise<PrepareOutcome> {
  const { active, prepared, retiring } = issuerFiles(directory);
  if (prepared) return 'already';
  if (retiring.length + 2 > MAX_AUTHORITIES) {
    throw new CertificateAuthorityError(
      `${directory} holds ${retiring.length} CAs that have not been retired`,
    );
  }
  // Do not read the active CA with `readAuthority`, which refuses an expired CA: an expired CA can be replaced too.
  const { subject } = describe(active.certificate);
  const x509 = new X509Certificate(readBoundedText(active.certificate));
  if (!x509.checkIssued(x509)) {
    throw new CertificateAuthorityError(
      `${active.certificate} is an intermediate CA: its own issuer has to replace it`,
    );
  }
  const temporary = join(directory, `.${NEXT}.${randomUUID()}`);
  await writeNewAuthority(temporary, successorOf(subject), now);
  await checkpoint('ca-made');
  renameSync(temporary, join(directory, NEXT));
  syncDirectory(directory);
  await checkpoint('ca-prepared');
  return 'prepared';
}

/** The subject of the next CA: `site CA`, `site CA 2`, `site CA 3`. Some clients cannot distinguish two CAs of one name. */
function successorOf(subject: string): string {
  const [, base = subject, number = '1'] = /^(.*?)(?: (\d{1,6}))?$/s.exec(subject) ?? [];
  return `${[...base].slice(0, MAX_BASE_NAME_LENGTH).join('')} ${Number(number) + 1}`;
}

async function activate(directory: string, now: number, checkpoint: Checkpoint): Promise<ActivateOutcome> {
  const { active, prepared, retiring } = issuerFiles(directory);
  if (!prepared) return retiring.length > 0 ? 'already' : 'unprepared';
  const successor = readAuthority(prepared.certificate, prepared.key, now);
  const retired = retiringIn(directory, describe(active.certificate).sha256);
  const cross = await crossFrom(active, successor, now);
  makePrivateDirectory(join(directory, TRUSTED));
  if (cross !== undefined) writePrivateFile(retired.cross, cross);
  createPrivateFile(retired.key, readBoundedText(active.key));
  createPrivateFile(retired.certificate, readBoundedText(active.certificate));
  utimesSync(retired.certificate, now / 1000, now / 1000);
  syncDirectory(directory);
  await checkpoint('old-ca-kept');
  // This write activates the prepared CA. Its key stays in `next/` until `completeActivation` moves it.
  writePrivateFile(active.certificate, readBoundedText(prepared.certificate));
  await checkpoint('ca-activated');
  await completeActivation(directory, checkpoint);
  return 'activated';
}

/** A cross certificate of the old CA for its successor; undefined if the old CA can no longer sign. */
async function crossFrom(
  old: AuthorityFiles,
  successor: CertificateAuthority,
  now: number,
): Promise<string | undefined> {
  try {
    return await crossCertificate(readAuthority(old.certificate, old.key, now), successor, now);
  } catch {
    return undefined;
  }
}

/**
 * Completes an activation that was interrupted after it wrote `tls.crt`. Deletes the keys and cross certificates in `trusted/`
 * that have no certificate: an activation was interrupted earlier.
 */
async function completeActivation(directory: string, checkpoint: Checkpoint): Promise<void> {
  const { active } = issuerFiles(directory);
  const activePair = pairIn(directory);
  const next = join(directory, NEXT);
  if (active.key !== activePair.key) {
    writePrivateFile(activePair.key, readBoundedText(active.key));
    await checkpoint('ca-key-placed');
    const temporary = join(directory, `.${NEXT}.${randomUUID()}`);
    renameSync(next, temporary);
    syncDirectory(directory);
    await checkpoint('next-emptied');
    rmSync(temporary, { recursive: true, force: true });
  }
  const trusted = join(directory, TRUSTED);
  for (const name of namesIn(trusted)) {
    const [, sha256] = /^([0-9a-f]{64})\.(?:key|cross)$/.exec(name) ?? [];
    if (sha256 === undefined || existsSync(retiringIn(directory, sha256).certificate)) continue;
    rmSync(join(trusted, name), { force: true });
  }
}

async function retire(directory: string, sha256: string, checkpoint: Checkpoint): Promise<boolean> {
  const retiring = listAuthorities(directory).find((ca) => ca.state === 'retiring' && ca.sha256 === sha256);
  if (!retiring) return false;
  rmSync(retiring.keyFile, { force: true });
  rmSync(retiringIn(directory, sha256).cross, { force: true });
  syncDirectory(join(directory, TRUSTED));
  await checkpoint('old-ca-key-removed');
  // Removed last: `completeActivation` deletes a key or cross certificate only if this file is absent.
  rmSync(retiring.certificateFile);
  syncDirectory(join(directory, TRUSTED));
  return true;
}
