import type { LinkSecret } from '../../domain/link.js';

/**
 * Why a Link does not lead to its router. `credentials_*` and `certificate_*` are about the Link's own side,
 * `router_certificate_expired`, `tls_*` and `not_tls` about the server at the endpoint.
 */
export type LinkFault =
  | 'credentials_missing'
  | 'credentials_invalid'
  | 'certificate_expired'
  | 'certificate_refused'
  | 'router_certificate_expired'
  | 'clock_skew'
  | 'dns'
  | 'connection_refused'
  | 'connection_timeout'
  | 'proxy'
  | 'not_tls'
  | 'tls_untrusted'
  | 'tls_name'
  /** The certificate contains the endpoint's IP address, but not as a DNS name; routers compare only DNS names. */
  | 'tls_name_address';

/** A fault with its evidence as a sentence, without secrets. */
export interface LinkFailure {
  readonly fault: LinkFault;
  readonly message: string;
}

/** A router that accepted the link's certificate. */
export interface DialedRouter {
  /** When the router's own certificate expires, milliseconds since the epoch. */
  readonly routerNotAfter: number;
}

/** Credentials of a link with their key, all PEM. */
export type LinkCredentials = Required<Pick<LinkSecret, 'caCrt' | 'tlsCrt' | 'tlsKey'>>;

/** Connects as a Skupper router does, authenticating both sides, and disconnects. Resolves to a LinkFailure if a step fails. */
export type LinkDialer = (
  target: { readonly host: string; readonly port: number },
  credentials: LinkCredentials,
) => Promise<DialedRouter | LinkFailure>;
