import type { AdministrationErrorCode } from '../../domain/administration-error.js';
import type { ClientErrorCode, RedemptionErrorCode } from '../../domain/redemption-error.js';
import type { ExitCode } from './command-error.js';

interface Advice {
  readonly exitCode: ExitCode;
  /** What the operator can do. */
  readonly hint: string;
}

type ErrorCode = RedemptionErrorCode | ClientErrorCode | AdministrationErrorCode;

const NEW_BEARER = 'get a new bearer token of your OIDC provider';
const NEW_TOKEN = 'ask the operator of the accepting site for a new token';
const TELL_OPERATOR =
  'ask the operator of the accepting site to look at the grant with `linkgrant grant show`';
const SHOWN = '`linkgrant token inspect FILE --check` shows it';

const ADVICE = {
  code_wrong: { exitCode: 3, hint: `check that the token file is whole and unchanged, or ${NEW_TOKEN}` },
  grant_unknown: { exitCode: 3, hint: `the grant is gone or the URL is of another service; ${NEW_TOKEN}` },
  grant_expired: { exitCode: 3, hint: `the grant has ended; ${NEW_TOKEN}` },
  grant_revoked: { exitCode: 3, hint: `the grant was revoked; ${NEW_TOKEN}` },
  grant_exhausted: { exitCode: 3, hint: `every use of the grant is spent; ${NEW_TOKEN}` },
  code_expired: { exitCode: 3, hint: `the token has ended; ${NEW_TOKEN}` },
  code_revoked: { exitCode: 3, hint: `the token was revoked; ${NEW_TOKEN}` },
  code_exhausted: { exitCode: 3, hint: `every use of the token is spent; ${NEW_TOKEN}` },
  policy_subject: {
    exitCode: 3,
    hint: `the subjects of the grant do not hold this one (${SHOWN}); choose another with --subject`,
  },
  policy_name: {
    exitCode: 3,
    hint: `the names of the grant do not hold this one (${SHOWN}); choose another with --name`,
  },
  policy_source: {
    exitCode: 3,
    hint: `the source-cidrs of the grant do not hold this address (${SHOWN}); redeem from a network that they name`,
  },
  policy_key: {
    exitCode: 3,
    hint: `the key-types of the grant do not hold this key's (${SHOWN}); ${TELL_OPERATOR}`,
  },
  policy_csr_required: {
    exitCode: 3,
    hint: 'csr-required of the grant wants the key to stay at home; redeem with `linkgrant token redeem`',
  },
  csr_invalid: {
    exitCode: 3,
    hint: 'the certificate request was refused; remove the pending key and try again',
  },
  key_weak: { exitCode: 3, hint: 'the key is too weak; remove the pending key and try again' },
  name_invalid: { exitCode: 3, hint: 'use a name of lower-case letters, digits, - and . with --name' },
  subject_invalid: { exitCode: 3, hint: 'use a subject of 1 to 253 printable characters with --subject' },
  body_invalid: { exitCode: 3, hint: `check that the token file is whole, or ${NEW_TOKEN}` },
  body_too_large: {
    exitCode: 3,
    hint: `the code is too long to be one; check the token file, or ${NEW_TOKEN}`,
  },
  body_timeout: { exitCode: 4, hint: 'the network is too slow; try again' },
  method_not_allowed: {
    exitCode: 3,
    hint: 'something between here and the service changes requests; ask who runs the proxy',
  },
  link_access_unavailable: {
    exitCode: 4,
    hint: 'the accepting site has no endpoint yet; its operator enables link access or starts the service with --endpoint, then try again',
  },
  edge_site: {
    exitCode: 4,
    hint: 'the accepting site is an edge site; its operator has to accept links at another site',
  },
  issuer_unavailable: {
    exitCode: 4,
    hint: 'the accepting site cannot sign now; its operator checks the issuer, then try again',
  },
  issuer_untrusted: {
    exitCode: 4,
    hint: "the accepting site's router does not trust its issuer; its operator checks both, then try again",
  },
  not_yet_valid: {
    exitCode: 4,
    hint: `the grant or the token is not valid yet (${SHOWN}); try again then`,
  },
  repeated_redemption: {
    exitCode: 4,
    hint: 'the same site redeemed this grant twice within an hour; try again later',
  },
  renewal_invalid: {
    exitCode: 3,
    hint: 'something between here and the service changes requests, or it is older than this command',
  },
  renewal_refused: { exitCode: 3, hint: `the service did not make this link; ${NEW_TOKEN}` },
  renewal_stale: { exitCode: 4, hint: 'set the clock of this machine (and of the service), then try again' },
  renewal_expired: { exitCode: 3, hint: NEW_TOKEN },
  superseded: {
    exitCode: 3,
    hint: `the link was renewed from elsewhere; use the newer certificate, or ${NEW_TOKEN}`,
  },
  site_replaced: { exitCode: 3, hint: NEW_TOKEN },
  redemption_revoked: { exitCode: 3, hint: `if the site shall link again, ${NEW_TOKEN}` },
  overloaded: { exitCode: 4, hint: 'the service is busy; try again' },
  store_unavailable: {
    exitCode: 4,
    hint: 'the store of the service is not available (full, read-only, locked, or its server away); mend that, then try again',
  },
  internal: {
    exitCode: 4,
    hint: 'the service failed; its operator finds the cause in its log. Try again later',
  },
  dns: { exitCode: 4, hint: 'check the name and the DNS of this machine, or try a route with --connect-to' },
  address_refused: {
    exitCode: 3,
    hint: 'where that is meant, allow the network with --token-network; else get a token with another URL',
  },
  connection_refused: {
    exitCode: 4,
    hint: 'check that the service runs there, and that no firewall refuses the port',
  },
  connection_timeout: {
    exitCode: 4,
    hint: 'check the address and firewalls in between, or raise --timeout if the command has it',
  },
  proxy: {
    exitCode: 4,
    hint: 'check HTTPS_PROXY, NO_PROXY or --proxy, and that the proxy allows CONNECT to that port',
  },
  clock_skew: { exitCode: 4, hint: 'set the clock of this machine (and of the service), then try again' },
  service_unavailable: {
    exitCode: 4,
    hint: 'the service, or something in front of it, has a passing problem; try again later',
  },
  outcome_unknown: {
    exitCode: 4,
    hint: 'the use may be spent; `--retry` posts once more, which may spend another, or ask for a new token',
  },
  tls_untrusted: {
    exitCode: 3,
    hint: `the server is not the one that made the token, or its CA changed; ${NEW_TOKEN}`,
  },
  tls_name: {
    exitCode: 3,
    hint: 'the service has to run with --host for the name in the URL; ask its operator',
  },
  not_https: {
    exitCode: 3,
    hint: 'what answers there is no HTTPS server; check the port in the URL of the token',
  },
  redirect: {
    exitCode: 3,
    hint: 'redemption is never redirected; the URL of the token has to name the service itself',
  },
  answer_invalid: { exitCode: 3, hint: 'nothing of it was kept; tell the operator of the accepting site' },
  server_generated_key: {
    exitCode: 3,
    hint: 'get a token of a linkgrant service, or accept the key of the server by leaving out --own-key (setting ownKey)',
  },
  other_name: {
    exitCode: 2,
    hint: 'repeat with --name and the name that it was redeemed under, or get a new token for another link',
  },
  token_invalid: { exitCode: 3, hint: `check the file, or ${NEW_TOKEN}` },
  not_writable: {
    exitCode: 1,
    hint: 'make the place writable, or choose another with --to, --name, --namespace or --data-dir',
  },
  link_ended: { exitCode: 3, hint: NEW_TOKEN },
  place_taken: {
    exitCode: 1,
    hint: 'move what is there away, or choose another place or name with --to, --namespace or --name',
  },
  busy: {
    exitCode: 4,
    hint: 'wait until the other run, or the reload that it waits for, has ended; or end it',
  },
  cluster_unavailable: {
    exitCode: 4,
    hint: 'check with kubectl that the API server of the cluster answers, then repeat; nothing is lost or spent twice',
  },
  bearer_missing: { exitCode: 3, hint: `${NEW_BEARER} into the file of --server-token-file` },
  bearer_invalid: {
    exitCode: 3,
    hint: `${NEW_BEARER}; its issuer, audience and algorithm are those that the service demands`,
  },
  bearer_expired: { exitCode: 3, hint: `${NEW_BEARER} into the file of --server-token-file` },
  role_insufficient: {
    exitCode: 3,
    hint: 'ask the administrator of the OIDC provider for the required role: viewer to read, operator to write',
  },
  origin_refused: { exitCode: 3, hint: 'use a bearer token instead of a session of the console' },
  identity_unavailable: {
    exitCode: 4,
    hint: 'the OIDC provider does not answer the service; try again when it runs',
  },
  request_invalid: {
    exitCode: 2,
    hint: 'the service takes something else; see whether it is of another version than this command',
  },
  request_too_large: { exitCode: 2, hint: 'give shorter values' },
  request_timeout: { exitCode: 4, hint: 'the network is too slow; try again' },
  media_type_unsupported: {
    exitCode: 3,
    hint: 'something between here and the service changes requests; ask who runs the proxy',
  },
  no_such_route: {
    exitCode: 3,
    hint: 'check that --server is the URL of the admin API, without a path',
  },
  no_such_grant: { exitCode: 1, hint: 'see `linkgrant grant list -A`' },
  no_such_redemption: { exitCode: 1, hint: 'see `linkgrant redemption list`' },
  no_such_verification: { exitCode: 1, hint: 'start another verification' },
  too_many_streams: { exitCode: 4, hint: 'close other consoles, or try again' },
  name_taken: {
    exitCode: 2,
    hint: 'choose another name; `linkgrant grant list -A` shows the grants that there are',
  },
  grant_declared: { exitCode: 1, hint: 'change the file' },
  grant_state: {
    exitCode: 1,
    hint: 'see `linkgrant grant list -A`; `linkgrant grant create` makes another grant',
  },
  source_redeemable: { exitCode: 2, hint: 'nothing was changed; say what is to become of it' },
  value_rejected: { exitCode: 2, hint: 'choose another value' },
  idempotency_key_reused: { exitCode: 2, hint: 'use another key for another request' },
  outcome_gone: { exitCode: 1, hint: 'make another one' },
  no_link_access: { exitCode: 1, hint: 'start the service with --endpoint inter-router=HOST:PORT' },
  service_unknown: {
    exitCode: 2,
    hint: 'start `linkgrant serve` once with the same --data-dir, --host and --endpoint; it need not keep running',
  },
  signing_keys_foreign: {
    exitCode: 2,
    hint: 'give the --data-dir of the service; where its keys were lost, restart it',
  },
} as const satisfies Record<ErrorCode, Advice>;

/** All error codes of commands, in the order of the table. */
export const ERROR_CODES = Object.keys(ADVICE) as readonly ErrorCode[];

/** Exit code and hint of a command that fails with this code. */
export function adviceFor(code: ErrorCode): Advice {
  return ADVICE[code];
}
