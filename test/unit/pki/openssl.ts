import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A directory to run the real `openssl` in. */
export class OpenSsl {
  readonly directory = mkdtempSync(join(tmpdir(), 'linkgrant-pki-'));

  write(name: string, content: string | Uint8Array): string {
    const path = join(this.directory, name);
    writeFileSync(path, content, { mode: 0o600 });
    return path;
  }

  /** Runs it and tells whether it succeeded, with all that it printed. */
  try(
    args: readonly string[],
    input?: string | Uint8Array,
  ): { readonly ok: boolean; readonly output: string } {
    const done = spawnSync('openssl', args, { cwd: this.directory, input: input ?? '', timeout: 60_000 });
    if (done.error) throw done.error;
    return { ok: done.status === 0, output: `${done.stdout}${done.stderr}` };
  }

  /** Runs it and gives what it printed on standard output; throws if it failed. */
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

/** Key kinds that a CA may have, as `openssl genpkey` makes them. */
export const AUTHORITY_KEYS = {
  'RSA-2048': ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'],
  'RSA-3072': ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:3072'],
  'P-256': ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  'P-384': ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384'],
} as const;

const CA_EXTENSIONS = ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign,cRLSign'];

/** What an authority made by openssl is to be like. */
export interface AuthorityWish {
  readonly key?: readonly string[];
  readonly subject?: string;
  readonly days?: number;
  readonly extensions?: readonly string[];
  /** Sections of a configuration that extensions name. */
  readonly sections?: string;
  readonly issuer?: { readonly certificate: string; readonly key: string };
}

/** A CA made by the real openssl: PEM of its certificate alone and its PKCS#8 key. Self-signed unless it has an issuer. */
export function makeAuthority(
  openssl: OpenSsl,
  wish: AuthorityWish = {},
): { certificate: string; key: string } {
  const key = openssl.run(['genpkey', ...(wish.key ?? AUTHORITY_KEYS['P-256'])]).toString();
  const keyFile = openssl.write('wish.key', key);
  const config = openssl.write(
    'wish.cnf',
    `[req]\nprompt=no\ndistinguished_name=dn\n[dn]\n${wish.sections ?? ''}`,
  );
  const issued = wish.issuer
    ? [
        '-CA',
        openssl.write('issuer.crt', wish.issuer.certificate),
        '-CAkey',
        openssl.write('issuer.key', wish.issuer.key),
      ]
    : [];
  const certificate = openssl
    .run([
      ...['req', '-x509', '-new', '-utf8', '-config', config, '-key', keyFile, ...issued],
      ...['-subj', wish.subject ?? '/CN=test authority', '-days', String(wish.days ?? 3650)],
      ...(wish.extensions ?? CA_EXTENSIONS).flatMap((extension) => ['-addext', extension]),
    ])
    .toString();
  return { certificate, key };
}
