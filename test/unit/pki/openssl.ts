import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Runs the real `openssl` in a temporary directory. */
export class OpenSsl {
  readonly directory = mkdtempSync(join(tmpdir(), 'linkgrant-pki-'));

  write(name: string, content: string | Uint8Array): string {
    const path = join(this.directory, name);
    writeFileSync(path, content, { mode: 0o600 });
    return path;
  }

  /** Runs openssl; returns whether it succeeded, and its standard output and standard error. */
  try(
    args: readonly string[],
    input?: string | Uint8Array,
  ): { readonly ok: boolean; readonly output: string } {
    const done = spawnSync('openssl', args, { cwd: this.directory, input: input ?? '', timeout: 60_000 });
    if (done.error) throw done.error;
    return { ok: done.status === 0, output: `${done.stdout}${done.stderr}` };
  }

  /** Runs openssl; returns its standard output. Throws if it fails. */
  run(args: readonly string[], input?: string | Uint8Array): Buffer {
    const done = spawnSync('openssl', args, { cwd: this.directory, input: input ?? '', timeout: 60_000 });
    if (done.error) throw done.error;
    if (done.status !== 0) throw new Error(`openssl ${args[0]}: ${done.stderr}`);
    return done.stdout;
  }

  /** `openssl verify -x509_strict` of a leaf (with its intermediates) for a purpose against CA certificates. */
  verifies(
    leafPem: string,
    caPem: string,
    purpose: 'sslclient' | 'sslserver',
  ): { readonly ok: boolean; readonly output: string } {
    const ca = this.write('verify-ca.pem', caPem);
    const leaf = this.write('verify-leaf.pem', leafPem);
    return this.try(['verify', '-x509_strict', '-purpose', purpose, '-CAfile', ca, '-untrusted', leaf, leaf]);
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Arguments of `openssl genpkey` for the key types that a CA may have. */
export const AUTHORITY_KEYS = {
  'RSA-2048': ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'],
  'RSA-3072': ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:3072'],
  'P-256': ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  'P-384': ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384'],
} as const;

const CA_EXTENSIONS = ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign,cRLSign'];

/** Options of makeAuthority. */
export interface AuthorityOptions {
  readonly key?: readonly string[];
  readonly subject?: string;
  readonly days?: number;
  readonly extensions?: readonly string[];
  /** Sections of the configuration that `extensions` refer to. */
  readonly sections?: string;
  readonly issuer?: { readonly certificate: string; readonly key: string };
}

/** Creates a CA with openssl, self-signed without `issuer`. Returns the PEM of its certificate alone and of its PKCS#8 key. */
export function makeAuthority(
  openssl: OpenSsl,
  options: AuthorityOptions = {},
): { certificate: string; key: string } {
  const key = openssl.run(['genpkey', ...(options.key ?? AUTHORITY_KEYS['P-256'])]).toString();
  const keyFile = openssl.write('authority.key', key);
  const config = openssl.write(
    'authority.cnf',
    `[req]\nprompt=no\ndistinguished_name=dn\n[dn]\n${options.sections ?? ''}`,
  );
  const issued = options.issuer
    ? [
        '-CA',
        openssl.write('issuer.crt', options.issuer.certificate),
        '-CAkey',
        openssl.write('issuer.key', options.issuer.key),
      ]
    : [];
  const certificate = openssl
    .run([
      ...['req', '-x509', '-new', '-utf8', '-config', config, '-key', keyFile, ...issued],
      ...['-subj', options.subject ?? '/CN=test authority', '-days', String(options.days ?? 3650)],
      ...(options.extensions ?? CA_EXTENSIONS).flatMap((extension) => ['-addext', extension]),
    ])
    .toString();
  return { certificate, key };
}
