import { isIP } from 'node:net';
import { type ConnectionOptions, checkServerIdentity } from 'node:tls';
import { readBoundedText } from '../../files/bounded-text.js';

/** How a connection is to be protected, in the words of libpq; files are PEM. */
export interface TlsSettings {
  readonly sslMode: 'disable' | 'require' | 'verify-ca' | 'verify-full';
  readonly sslrootcert: string | undefined;
  readonly sslcert: string | undefined;
  readonly sslkey: string | undefined;
}

/** What TLS needs to know for a connection to `host`, false for one without. Throws UnreadableFileError. */
export function tlsOptions(settings: TlsSettings, host: string): ConnectionOptions | false {
  const { sslMode, sslrootcert, sslcert, sslkey } = settings;
  // A socket of this machine needs no protection, and the server offers none there.
  if (sslMode === 'disable' || host.startsWith('/')) return false;
  const hasCa = sslrootcert !== undefined && sslrootcert !== 'system';
  const isVerified = sslMode !== 'require' || hasCa;
  return {
    ...(hasCa && { ca: readBoundedText(sslrootcert) }),
    ...(sslcert !== undefined && { cert: readBoundedText(sslcert) }),
    ...(sslkey !== undefined && { key: readBoundedText(sslkey) }),
    rejectUnauthorized: isVerified,
    ...(sslMode !== 'verify-full' && { checkServerIdentity: () => undefined }),
    // The driver tells TLS no name for an address, which would then be compared with `localhost`.
    ...(sslMode === 'verify-full' &&
      isIP(host) !== 0 && {
        checkServerIdentity: (_, certificate) => checkServerIdentity(host, certificate),
      }),
  };
}
