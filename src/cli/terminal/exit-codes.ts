import type { AdministrationErrorCode } from '../../domain/administration-error.js';
import { OWN_KEY_TYPE } from '../../domain/policy.js';
import type { ClientErrorCode, RedemptionErrorCode } from '../../domain/redemption-error.js';
import type { ExitCode } from './command-error.js';

/** Exit code and hint of a failed command. */
export interface Advice {
  readonly exitCode: ExitCode;
  /** What the operator can do. */
  readonly hint: string;
}

/** All error codes of commands. */
export type ErrorCode = RedemptionErrorCode | ClientErrorCode | AdministrationErrorCode;

const NEW_BEARER = 'get a new bearer token from your OIDC provider';
/** The remedy of a requesting site whose token cannot be redeemed. */
export const NEW_TOKEN = 'ask the operator of the accepting site for a new token';
/** The same, if the token may have been redeemed by this site. */
export const REPEAT_OR_NEW_TOKEN = `if this site redeemed it, repeat as the same user with the same --data-dir, which returns the same link; else ${NEW_TOKEN}`;
const ADD_RULE =
  'ask the operator of the accepting site to allow it in addition: `linkgrant grant update NAME';
const INSPECT = '`linkgrant token inspect FILE --check` shows the policy';

const ADVICE = {
  code_wrong: { exitCode: 3, hint: `check that the token file is complete and unchanged, or ${NEW_TOKEN}` },
  grant_unknown: {
    exitCode: 3,
    hint: `the grant was deleted, or the URL belongs to another service; ${NEW_TOKEN}`,
  },
  grant_expired: { exitCode: 3, hint: `the grant has expired; ${NEW_TOKEN}` },
  grant_revoked: { exitCode: 3, hint: `the grant was revoked; ${NEW_TOKEN}` },
  grant_exhausted: { exitCode: 3, hint: `every use of the grant is spent; ${REPEAT_OR_NEW_TOKEN}` },
  code_expired: { exitCode: 3, hint: `the token has expired; ${NEW_TOKEN}` },
  code_revoked: { exitCode: 3, hint: `the token was revoked; ${NEW_TOKEN}` },
  code_exhausted: { exitCode: 3, hint: `every use of the token is spent; ${REPEAT_OR_NEW_TOKEN}` },
  key_mismatch: {
    exitCode: 3,
    hint: 'redeem it with `linkgrant join` where the request was made, with the same --data-dir or --namespace',
  },
  policy_subject: {
    exitCode: 3,
    hint: `the subjects of the grant do not include this one (${INSPECT}); choose another with --subject, or ${ADD_RULE} --subjects SUBJECTS,SUBJECT\``,
  },
  policy_name: {
    exitCode: 3,
    hint: `the names of the grant do not include this one (${INSPECT}); choose another with --name, or ${ADD_RULE} --names NAMES,NAME\``,
  },
  policy_source: {
    exitCode: 3,
    hint: `the source-cidrs of the grant do not include this address (${INSPECT}); redeem from one of these networks, or ${ADD_RULE} --source-cidrs CIDRS,ADDRESS\``,
  },
  policy_key: {
    exitCode: 3,
    hint: `the key-types of the grant do not include the type of this key (${INSPECT}); ${ADD_RULE} --key-types TYPES,${OWN_KEY_TYPE}\``,
  },
  policy_csr_required: {
    exitCode: 3,
    hint: 'the grant requires a certificate request (csr-required); redeem with `linkgrant token redeem`',
  },
  policy_identity_required: {
    exitCode: 3,
    hint: 'the grant is only for identities (identity-required); join with the token of an identity provider, or with a token for a request (`linkgrant link request`)',
  },
  csr_invalid: {
    exitCode: 3,
    hint: 'the certificate request was refused; remove the pending key and try again',
  },
  key_weak: { exitCode: 3, hint: 'the key is too weak; remove the pending key and try again' },
  name_invalid: { exitCode: 3, hint: 'use a name of lower-case letters, digits, - and . with --name' },
  subject_invalid: { exitCode: 3, hint: 'use a subject of 1 to 253 printable characters with --subject' },
  body_invalid: { exitCode: 3, hint: `check that the token file is complete, or ${NEW_TOKEN}` },
  body_too_large: {
    exitCode: 3,
    hint: `the code is too long; check the token file, or ${NEW_TOKEN}`,
  },
  body_timeout: { exitCode: 4, hint: 'the network is too slow; try again' },
  method_not_allowed: {
    exitCode: 3,
    hint: 'a proxy between this machine and the service changes requests; ask its operator',
  },
  link_access_unavailable: {
    exitCode: 4,
    hint: 'the accepting site has no endpoint yet; ask its operator to enable link access or to start the service with --endpoint, then try again',
  },
  edge_site: {
    exitCode: 4,
    hint: 'the accepting site is an edge site; ask its operator for a token of another site',
  },
  issuer_unavailable: {
    exitCode: 4,
    hint: 'the accepting site cannot sign now; ask its operator to check the issuer, then try again',
  },
  issuer_untrusted: {
    exitCode: 4,
    hint: 'the router of the accepting site does not trust the issuer; ask the operator of that site to check both, then try again',
  },
  not_yet_valid: {
    exitCode: 4,
    hint: `the grant or the token is not valid yet (${INSPECT}); try again when it is`,
  },
  repeated_redemption: {
    exitCode: 4,
    hint: 'the same site redeemed this grant twice within an hour; try again later',
  },
  renewal_invalid: {
    exitCode: 3,
    hint: 'a proxy between this machine and the service changes requests, or the service is older than this command',
  },
  renewal_refused: {
    exitCode: 3,
    hint: `the service did not issue this link, or its newest certificate, or was restored from an older backup; ${NEW_TOKEN}`,
  },
  renewal_stale: { exitCode: 4, hint: 'correct the clock of this machine or of the service, then try again' },
  renewal_expired: { exitCode: 3, hint: NEW_TOKEN },
  superseded: {
    exitCode: 3,
    hint: `the link was renewed on another machine; use the newer certificate, or ${NEW_TOKEN}`,
  },
  site_replaced: { exitCode: 3, hint: NEW_TOKEN },
  redemption_revoked: { exitCode: 3, hint: `to link the site again, ${NEW_TOKEN}` },
  redemption_replaced: {
    exitCode: 3,
    hint: `delete this link if its site has the new one (\`linkgrant link delete NAME\`); if the site did not redeem that token, ${NEW_TOKEN}`,
  },
  provider_unavailable: {
    exitCode: 4,
    hint: 'the service fetches the keys of the provider in the background; try again',
  },
  overloaded: { exitCode: 4, hint: 'the service is busy; try again' },
  store_unavailable: {
    exitCode: 4,
    hint: 'the store of the service is not available (full, read-only, locked, or its database server is down); correct that, then try again',
  },
  internal: {
    exitCode: 4,
    hint: 'the service failed; its log contains the cause. Try again later',
  },
  dns: {
    exitCode: 4,
    hint: 'check the host name and the DNS of this machine, or set an address: --connect-to ::192.0.2.7: connects to 192.0.2.7 with the same port',
  },
  address_refused: {
    exitCode: 3,
    hint: 'to allow the network, set --token-network; else get a token with another URL',
  },
  connection_refused: {
    exitCode: 4,
    hint: 'check that the service runs, and that no firewall blocks the port; if the service has moved, a new token is needed',
  },
  connection_timeout: {
    exitCode: 4,
    hint: 'check the address and the firewalls, or raise --timeout if the command has this flag',
  },
  proxy: {
    exitCode: 4,
    hint: 'check HTTPS_PROXY, NO_PROXY or --proxy, and that the proxy allows CONNECT to that port',
  },
  clock_skew: { exitCode: 4, hint: 'correct the clock of this machine or of the service, then try again' },
  service_unavailable: {
    exitCode: 4,
    hint: 'the service or a proxy in front of it has a temporary problem; try again later',
  },
  outcome_unknown: {
    exitCode: 4,
    hint: 'the use may be spent; request a new token, or repeat with `--retry`, which may spend another use',
  },
  tls_untrusted: {
    exitCode: 3,
    hint: `the server is not the service that issued the token, or its CA changed; ${NEW_TOKEN}`,
  },
  tls_name: {
    exitCode: 3,
    hint: 'ask the operator of the service to start it with --host for the name in the URL',
  },
  not_https: {
    exitCode: 3,
    hint: 'the server does not use HTTPS; check the port in the URL of the token',
  },
  redirect: {
    exitCode: 3,
    hint: 'redirects are not followed; the URL of the token must be that of the service itself',
  },
  answer_invalid: { exitCode: 3, hint: 'nothing was stored; inform the operator of the accepting site' },
  server_generated_key: {
    exitCode: 3,
    hint: 'ask the operator of the accepting site which server is at this URL; a key of the server is accepted only for a token of Skupper, without --own-key (setting ownKey)',
  },
  other_name: {
    exitCode: 2,
    hint: 'repeat with --name and the name of the earlier redemption, or get a new token for another link',
  },
  key_missing: {
    exitCode: 3,
    hint: 'run this where `linkgrant link request --list` shows the request, or name the file of the key with --key',
  },
  identity_missing: {
    exitCode: 4,
    hint: 'check --identity-token-file or --identity-command; `linkgrant doctor` with the same flags shows more',
  },
  identity_audience: {
    exitCode: 2,
    hint: 'get an identity token whose audience is the origin of the URL; if the operator of the accepting site uses another audience, pass it with --identity-audience',
  },
  identity_refused: {
    exitCode: 4,
    hint: 'the log of the service says why: ask its operator to permit this identity in the grant, then try again. `linkgrant doctor` shows the audience and the lifetime of the identity token',
  },
  token_invalid: { exitCode: 3, hint: `check the file or line, or ${NEW_TOKEN}` },
  not_writable: {
    exitCode: 1,
    hint: 'run the command as the user who owns the directory, make it writable, or choose another with --to, --name, --namespace or --data-dir',
  },
  link_ended: {
    exitCode: 3,
    hint: `${NEW_TOKEN} that replaces this link (\`linkgrant token issue --replaces\`), also if the site joined by its identity; after an answer file, make another request with \`linkgrant link request\``,
  },
  place_taken: {
    exitCode: 1,
    hint: 'if it is the link of this token, repeat as the same user with the same --data-dir; else move the existing resource away, or choose another target with --to, --namespace or --name',
  },
  busy: {
    exitCode: 4,
    hint: 'wait until the other run, or the reload that it waits for, has ended; or stop that run',
  },
  cluster_unavailable: {
    exitCode: 4,
    hint: 'check with kubectl that the API server of the cluster responds, then repeat; no use is lost or spent twice',
  },
  bearer_missing: { exitCode: 3, hint: `${NEW_BEARER} into the file of --server-token-file` },
  bearer_invalid: {
    exitCode: 3,
    hint: `${NEW_BEARER}, with the issuer, audience and algorithm that the service requires`,
  },
  bearer_expired: { exitCode: 3, hint: `${NEW_BEARER} into the file of --server-token-file` },
  role_insufficient: {
    exitCode: 3,
    hint: 'ask the administrator of the OIDC provider for the required role: viewer to read, operator to write',
  },
  origin_refused: { exitCode: 3, hint: 'use a bearer token instead of a session of the console' },
  identity_unavailable: {
    exitCode: 4,
    hint: 'the service cannot reach the OIDC provider; try again when the provider runs',
  },
  request_invalid: {
    exitCode: 2,
    hint: 'check whether the service has another version than this command',
  },
  request_too_large: { exitCode: 2, hint: 'use shorter values' },
  request_timeout: { exitCode: 4, hint: 'the network is too slow; try again' },
  media_type_unsupported: {
    exitCode: 3,
    hint: 'a proxy between this machine and the service changes requests; ask its operator',
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
    hint: 'choose another name, or issue a token of the existing grant with `linkgrant token issue FILE --grant NAME`',
  },
  grant_declared: { exitCode: 1, hint: 'change the file' },
  grant_state: {
    exitCode: 1,
    hint: 'see `linkgrant grant list -A`, or create another grant with `linkgrant grant create`',
  },
  source_redeemable: { exitCode: 2, hint: 'nothing was changed; choose what happens to the grant or token' },
  value_rejected: { exitCode: 2, hint: 'choose another value' },
  idempotency_key_reused: { exitCode: 2, hint: 'use another key for another request' },
  outcome_gone: { exitCode: 1, hint: 'repeat the command, which then creates another grant or token' },
  no_link_access: { exitCode: 1, hint: 'start the service with --endpoint inter-router=HOST:PORT' },
  service_unknown: {
    exitCode: 2,
    hint: 'run the command as the user of the service, or start `linkgrant serve` once with the same --data-dir, --host and --endpoint',
  },
  signing_keys_foreign: {
    exitCode: 2,
    hint: 'set --data-dir to that of the service; if its keys were lost, restart the service',
  },
} as const satisfies Record<ErrorCode, Advice>;

/** The values of {@link ErrorCode}. */
export const ERROR_CODES = Object.keys(ADVICE) as readonly ErrorCode[];

/** Returns the exit code and the hint of a command that fails with this code. */
export function adviceFor(code: ErrorCode): Advice {
  return ADVICE[code];
}
