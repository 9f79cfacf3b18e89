import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { readBoundedText } from '../../files/bounded-text.js';
import { namesIn } from '../../files/directory-names.js';

/** Files of one CA, PEM. */
export interface AuthorityFiles {
  readonly certificate: string;
  readonly key: string;
}

/** Where the files of an issuer are: `tls.crt` alone decides who signs, so a change of it is one rename. */
export interface IssuerFiles {
  /** The CA that signs. Its key is beside the certificate, or still where the prepared CA had it. */
  readonly active: AuthorityFiles;
  /** The CA that will sign next. */
  readonly prepared: AuthorityFiles | undefined;
  /** Those that signed before, by name: `trusted/<SHA-256>.crt`. */
  readonly retiring: readonly RetiringFiles[];
}

/** Files of a CA that signed before. */
export interface RetiringFiles extends AuthorityFiles {
  /** A certificate from it for the CA that took its place; not there where it could give none. */
  readonly cross: string;
}

/** Directory of the prepared CA in an issuer's. */
export const NEXT = 'next';
/** Directory of the retiring CAs in an issuer's. */
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

/** True if there is an issuer in that directory. */
export function isIssuer(directory: string): boolean {
  return existsSync(pairIn(directory).certificate);
}

/**
 * The files of an issuer as they stand at this moment. A CA that is on its way from `next/` to the top is in both places, and
 * so is one on its way to `trusted/`: it counts for what `tls.crt` says. Throws UnreadableFileError.
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

/** Differs from what it was before when the issuer's files may be other ones. */
export function issuerVersion(directory: string): string {
  const { certificate, key } = pairIn(directory);
  const files = [certificate, key, join(directory, NEXT)].map((file) => {
    const found = statSync(file, { throwIfNoEntry: false });
    return found ? `${found.ino}/${found.mtimeMs}` : '';
  });
  return [...files, ...trustedNames(directory)].join();
}

function trustedNames(directory: string): string[] {
  try {
    return readdirSync(join(directory, TRUSTED));
  } catch {
    // Most issuers were never rotated, and this is looked at for each certificate that is issued.
    return [];
  }
}
