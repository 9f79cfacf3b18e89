import type { LinkFault } from '../../redemption/ports/link-dialer.js';
import type { ExitCode } from '../terminal/command-error.js';
import { type Advice, adviceFor } from '../terminal/exit-codes.js';

const REDEEM_AGAIN = 'redeem a new token of the accepting site, which creates a new Link and Secret';

const ADVICE = {
  credentials_missing: { exitCode: 3, hint: `restore the Secret, or ${REDEEM_AGAIN}` },
  credentials_invalid: { exitCode: 3, hint: REDEEM_AGAIN },
  certificate_expired: {
    exitCode: 3,
    hint: `if the clock of this machine is correct, ${REDEEM_AGAIN}`,
  },
  certificate_refused: {
    exitCode: 3,
    hint: `the router no longer trusts the CA of this certificate, or the endpoint belongs to another network; ${REDEEM_AGAIN}`,
  },
  router_certificate_expired: {
    exitCode: 3,
    hint: 'if the clock of this machine is correct, renew that certificate on the accepting site by reloading the site',
  },
  clock_skew: {
    exitCode: 4,
    hint: 'correct the clocks of this machine and of the router, then try again',
  },
  dns: adviceFor('dns'),
  connection_refused: {
    exitCode: 4,
    hint: 'check that the router of the accepting site runs, and that no firewall blocks the port',
  },
  connection_timeout: { exitCode: 4, hint: 'check the address and the firewalls, or raise --timeout' },
  proxy: adviceFor('proxy'),
  not_tls: {
    exitCode: 3,
    hint: 'the server is not a router that accepts links; check the port with the accepting site',
  },
  tls_untrusted: {
    exitCode: 3,
    hint: `the server is another router, or its CA changed; ${REDEEM_AGAIN}`,
  },
  tls_name: {
    exitCode: 3,
    hint: "on the accepting site add this name to the router's certificate (RouterAccess subjectAlternativeNames), or issue links with another --host",
  },
  tls_name_address: {
    exitCode: 3,
    hint: "on the accepting site add the address to the router's certificate as a DNS name too, as Skupper and `linkgrant issuer server-certificate` do",
  },
} as const satisfies Record<LinkFault, Advice>;

/** Returns the exit code and the hint for a link with this fault. */
export function adviceForFault(fault: LinkFault): Advice {
  return ADVICE[fault];
}

/** From a permanent refusal to a temporary failure, then success. */
const BY_SEVERITY: readonly ExitCode[] = [3, 2, 1, 4, 0];

/** Returns the failure with the worst exit code, the first of several; undefined if there is none. */
export function worstOf<T>(failures: readonly T[], exitCodeOf: (failure: T) => ExitCode): T | undefined {
  const rank = (failure: T) => BY_SEVERITY.indexOf(exitCodeOf(failure));
  return [...failures].sort((a, b) => rank(a) - rank(b))[0];
}
