import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { readBoundedText } from '../../files/bounded-text.js';
import { namesIn, visibleNamesIn } from '../../files/directory-names.js';

/** Paths of the PEM files of one CA. */
export interface AuthorityFiles {
  readonly certificate: string;
  readonly key: string;
}

/** The files of an issuer. `tls.crt` alone determines the signing CA, so activating a CA is one rename. */
export interface IssuerFiles {
  /** The CA that signs. Its key is beside the certificate, or still in `next/` if the activation was interrupted. */
  readonly active: AuthorityFiles;
  /** The CA that will sign next. */
  readonly prepared: AuthorityFiles | undefined;
  /** The CAs that signed before, each stored as `trusted/<SHA-256>.crt`. */
  readonly retiring: readonly RetiringFiles[];
}

/** Files of a CA that signed before. */
export interface RetiringFiles extends AuthorityFiles {
  /** The cross certificate that it issued for its successor. The file is absent if the CA could not issue one. */
  readonly cross: string;
}

/** Name of the subdirectory of the prepared CA. */
export const NEXT = 'next';
/** Name of the subdirectory of the retiring CAs. */
export const TRUSTED = 'trusted';

/** The pair `<name>.crt` and `<name>.key` in a directory. */
export function pairIn(directory: string, name = 'tls'): AuthorityFiles {
  return { certificate: join(directory, `${name}.crt`), key: join(directory, `${name}.key`) };
}

/** The files of a CA that signed before, by its SHA-256. */
export function retiringIn(directory: string, sha256: string): RetiringFiles {
  const trusted = join(directory, TRUSTED);
  return { ...pairIn(trusted, sha256), cross: join(trusted, `${sha256}.cross`) };
}

/** True if a directory contains an issuer. */
export function isIssuer(directory: string): boolean {
  return existsSync(pairIn(directory).certificate);
}

/**
 * The present files of an issuer. During an activation a CA can be in two places: in `next/` or `trusted/`, and at the top. The
 * certificate in `tls.crt` determines its state. Throws UnreadableFileError.
 */
export function issuerFiles(directory: string): IssuerFiles {
  const active = pairIn(directory);
  const next = pairIn(join(directory, NEXT));
  const signing = readBoundedText(active.certificate);
  const isSigning = ({ certificate }: AuthorityFiles) => readBoundedText(certificate) === signing;
  const retiring = namesIn(join(directory, TRUSTED))
    .filter((name) => name.endsWith('.crt') && !name.startsWith('.'))
    .map((name) => retiringIn(directory, name.slice(0, -'.crt'.length)))
    .filter((pair) => !isSigning(pair));
  if (!existsSync(next.certificate)) return { active, prepared: undefined, retiring };
  if (!isSigning(next)) return { active, prepared: next, retiring };
  return { active: { ...active, key: next.key }, prepared: undefined, retiring };
}

/** A version of the issuer's files, which differs after each change. */
export function issuerVersion(directory: string): string {
  const { certificate, key } = pairIn(directory);
  const files = [certificate, key, join(directory, NEXT)].map((file) => {
    const found = statSync(file, { throwIfNoEntry: false });
    return found ? `${found.ino}/${found.mtimeMs}` : '';
  });
  return [...files, ...visibleNamesIn(join(directory, TRUSTED))].join();
}
