import type { LinkFault } from '../../redemption/ports/link-dialer.js';
import type { ExitCode } from '../terminal/command-error.js';

interface Advice {
  readonly exitCode: ExitCode;
  /** What the user can do. */
  readonly hint: string;
}

const REDEEM_ANEW = 'redeem a new token of the accepting site, which makes a new Link and Secret';

const ADVICE = {
  credentials_missing: { exitCode: 3, hint: `put the Secret back, or ${REDEEM_ANEW}` },
  credentials_invalid: { exitCode: 3, hint: REDEEM_ANEW },
  certificate_expired: {
    exitCode: 3,
    hint: `if the clock of this machine is right, ${REDEEM_ANEW}`,
  },
  certificate_refused: {
    exitCode: 3,
    hint: `the router does not trust the CA that signed it any more, or the endpoint is of another network; ${REDEEM_ANEW}`,
  },
  router_certificate_expired: {
    exitCode: 3,
    hint: 'if the clock of this machine is right, the accepting site has to renew that certificate (a reload of the site does)',
  },
  clock_skew: {
    exitCode: 4,
    hint: 'set the clocks of this machine and of the router, then try again',
  },
  dns: { exitCode: 4, hint: 'check the name and the DNS of this machine, or try a route with --connect-to' },
  connection_refused: {
    exitCode: 4,
    hint: 'check that the router of the accepting site runs, and that no firewall refuses the port',
  },
  connection_timeout: { exitCode: 4, hint: 'check the address and firewalls in between, or raise --timeout' },
  proxy: {
    exitCode: 4,
    hint: 'check HTTPS_PROXY, NO_PROXY or --proxy, and that the proxy allows CONNECT to that port',
  },
  not_tls: {
    exitCode: 3,
    hint: 'what answers there is no router that takes links; check the port with the accepting site',
  },
  tls_untrusted: {
    exitCode: 3,
    hint: `what answers there is another router, or its CA changed; ${REDEEM_ANEW}`,
  },
  tls_name: {
    exitCode: 3,
    hint: "the accepting site has to add this name to its router's certificate (RouterAccess subjectAlternativeNames), or to give out links with another --host",
  },
  tls_name_address: {
    exitCode: 3,
    hint: "the accepting site has to put the address into its router's certificate as a DNS name too, as Skupper and `linkgrant issuer server-certificate` do",
  },
} as const satisfies Record<LinkFault, Advice>;

/** Exit code and hint of a command that finds this fault of a link. */
export function adviceForFault(fault: LinkFault): Advice {
  return ADVICE[fault];
}

const BY_WEIGHT: readonly ExitCode[] = [0, 4, 1, 2, 3];

/** The worst exit code: permanent refusals first, temporary failures last. */
export function worstExit(codes: readonly ExitCode[]): ExitCode {
  return codes.reduce<ExitCode>((a, b) => (BY_WEIGHT.indexOf(b) > BY_WEIGHT.indexOf(a) ? b : a), 0);
}
