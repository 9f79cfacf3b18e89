import { statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { ConfiguredIdentities, type ProviderState } from '../../compose/identities/configured-identities.js';
import { silentLogger } from '../../config/logger.js';
import type { Settings } from '../../config/setting-schemas.js';
import { type AccessGrant, grantState } from '../../domain/access-grant.js';
import { isUuid } from '../../domain/names.js';
import { shell } from '../../domain/shell-words.js';
import { checkCode } from '../../redemption/accepting/check-grant.js';
import { matchesProvider } from '../../redemption/accepting/check-policy.js';
import { permittedIdentity } from '../../redemption/accepting/identities/prove-identity.js';
import { LEEWAY_MS } from '../../redemption/accepting/identities/verify-identity.js';
import type { GrantStore } from '../../redemption/ports/grant-store.js';
import type { IdentityCheck } from '../../redemption/ports/identity-providers.js';
import { pagesOf } from '../../redemption/ports/page.js';
import { readIdentity, type SiteIdentity } from '../../redemption/requesting/identity-client.js';
import type { CommandConnectionOptions } from '../flags/connection-flags.js';
import { usageError } from '../terminal/command-error.js';
import { formatTime } from '../terminal/output.js';
import { identityOf } from '../token/site-identity.js';
import { type Check, type DoctorInput, fail, failWithCode, failWithError, ok, warn } from './doctor-check.js';
import { grantCheck } from './doctor-requesting.js';

const TIMEOUT_MS = 10_000;
const UNREACHABLE_HINT =
  'let the service reach the issuer over HTTPS and set the ca of the provider, or save its keys in a file and set keys';

const NEW_TOKEN = 'get another token from the platform of the site';
const NEW_KEYS = 'if the platform of the site has new keys, replace the keys file of its provider';
/** What the operator does if a token fails a check. */
const REMEDIES: Readonly<Record<IdentityCheck, string>> = {
  form: NEW_TOKEN,
  issuer: 'add a provider with the issuer of the token to the configuration of the service',
  unavailable: UNREACHABLE_HINT,
  kid: NEW_KEYS,
  signature: NEW_KEYS,
  subject: 'add the subject of the token to the subjects of its provider',
  time: `${NEW_TOKEN}, and compare the clocks`,
  audience: 'let the site request a token for the audience that the service expects',
  key_binding: 'let the site request a token for the audience in LINKGRANT_IDENTITY_KEY_AUDIENCE',
  csr: NEW_TOKEN,
  grant: 'permit the identity in the grant',
};

/** Where `doctor` finds the grant of `--grant`. */
export interface CheckedGrants {
  readonly store: Pick<GrantStore, 'findGrant' | 'findGrantByName' | 'findCode' | 'listGrants'>;
  readonly namespace: string;
  /** Returns the URL in the tokens of a grant, or of any grant; undefined if no service has published one. */
  urlOf(grant: AccessGrant | undefined): Promise<string | undefined>;
}

/** Throws a CommandError if `--grant` is combined with `--token` or has no identity token, or if an identity token has neither of both. */
export function requireIdentityOfGrant({ token, grant, ...flags }: DoctorInput): void {
  if (grant !== undefined && token !== undefined)
    throw usageError(
      '--grant is for the accepting side, and --token for the requesting side',
      'omit one of them',
    );
  if (grant !== undefined && !identityOf(flags))
    throw usageError('--grant needs an identity token', 'add --identity-token-file FILE');
  if (token === undefined && grant === undefined && (flags.identityTokenFile ?? flags.identityCommand))
    throw usageError(
      'an identity token is checked against a grant',
      'add --grant NAME on the host of the service, or --token LINE on the site',
    );
}

/**
 * Checks each identity provider of the settings, and with `--grant` whether the identity token would redeem the grant, and if not, which
 * check fails. Spends no use, and prints no part of the token but its claims.
 */
export async function identityProviderChecks(
  settings: Settings,
  input: DoctorInput,
  { store, namespace, urlOf }: CheckedGrants,
  { clock, timeoutMs = TIMEOUT_MS }: CommandConnectionOptions,
): Promise<Check[]> {
  const { grant: name } = input;
  const grant = name === undefined ? undefined : await findGrant(name, namespace, store);
  const url = await urlOf(grant);
  const audience = url === undefined ? '' : new URL(url).origin;
  const context = { clock, logger: silentLogger, origin: () => audience };
  const identities = await ConfiguredIdentities.open(settings, context);
  if (!identities) {
    if (name === undefined) return unknownProviderChecks(store, [], clock());
    const hint = 'run the command with the --config of the service, or with its --identities';
    return [fail('identity providers', 'the settings name none', hint, 2)];
  }
  await Promise.race([identities.settled(), sleep(timeoutMs, undefined, { ref: false })]);
  const states = identities.states();
  const unknown = await unknownProviderChecks(
    store,
    states.map((state) => state.name),
    clock(),
  );
  const checks = [...states.map((state) => providerCheck(state, timeoutMs)), ...unknown];
  const identity = identityOf(input);
  if (name === undefined || !identity) return checks;
  const missing = `there is no grant "${name}" in namespace "${namespace}"`;
  if (!grant) return [...checks, failWithCode('grant', missing, 'no_such_grant')];
  return [...checks, ...(await tokenChecks(identity, grant, { store, identities, audience }))];
}

/** Warns of a ready grant that permits identities of a provider that is not one of `providers`: a misspelt name permits no site. */
async function unknownProviderChecks(
  store: Pick<GrantStore, 'listGrants'>,
  providers: readonly string[],
  now: number,
): Promise<Check[]> {
  const isUnknown = (glob: string) => !providers.some((provider) => matchesProvider(glob, provider));
  const permitsUnknown = ({ policy }: AccessGrant) => policy.identities?.some(isUnknown) ?? false;
  for await (const [grant] of pagesOf((page) =>
    store.listGrants(page, (one) => grantState(one, now) === 'ready' && permitsUnknown(one)),
  )) {
    if (!grant) continue;
    const globs = grant.policy.identities?.filter(isUnknown).join(', ');
    const change = shell`linkgrant grant update ${grant.name} --identities GLOBS -n ${grant.namespace}`;
    const problem = `grant "${grant.name}" permits ${globs}, but these settings have no such provider`;
    return [
      warn(
        'identity providers',
        problem,
        `add --config FILE of the service, or correct the grant: \`${change}\``,
      ),
    ];
  }
  return [];
}

function providerCheck(
  { name, issuer, keysFile, keys, error, clockDifferenceMs }: ProviderState,
  timeoutMs: number,
): Check {
  const label = `identity provider ${name}`;
  if (issuer === undefined) {
    const check = failWithError(label, error, '');
    return { ...check, detail: check.detail.replace(label, 'it') };
  }
  const count = keys === 1 ? '1 key' : `${keys} keys`;
  if (keysFile !== undefined)
    return ok(
      label,
      `${count} in ${keysFile}, written at ${formatTime(Math.floor(statSync(keysFile).mtimeMs))}`,
    );
  if (error !== undefined) return fail(label, `${issuer}: ${(error as Error).message}`, UNREACHABLE_HINT, 4);
  if (keys === 0)
    return fail(label, `${issuer} did not respond within ${timeoutMs / 1000} s`, UNREACHABLE_HINT, 4);
  const fetched = `${count}, fetched from ${issuer} now`;
  if (clockDifferenceMs === undefined) return ok(label, fetched);
  const seconds = Math.round(clockDifferenceMs / 1000);
  const detail = `${fetched}; its clock is ${Math.abs(seconds)} s ${seconds < 0 ? 'behind' : 'ahead of'} this machine`;
  return Math.abs(clockDifferenceMs) <= LEEWAY_MS
    ? ok(label, detail)
    : fail(label, detail, 'synchronize the clocks: tokens from the future, and expired ones, are refused', 4);
}

/** Checks whether an identity token would redeem a grant now. Uses the key that the token is bound to, because there is no certificate request. */
async function tokenChecks(
  identity: SiteIdentity,
  grant: AccessGrant,
  {
    store,
    identities,
    audience,
  }: Pick<CheckedGrants, 'store'> & {
    readonly identities: ConfiguredIdentities;
    readonly audience: string;
  },
): Promise<Check[]> {
  try {
    const { code, claims } = await readIdentity(identity, { audience, keySha256: '' });
    const { issuer = 'no issuer', subject = 'no subject' } = claims;
    const token = ok('identity', `${subject} of ${issuer}`);
    const rules = { providers: identities, requestedKey: ([key]: readonly string[]) => key };
    const proof = await permittedIdentity(grant, Buffer.from(code), rules);
    if (!proof || 'failed' in proof) {
      const { check, failed } = proof ?? {
        check: 'form',
        failed: 'is not a signed JWT of at most 4096 bytes',
      };
      const remedy =
        check === 'grant'
          ? shell`run \`linkgrant grant update ${grant.name} --identities GLOBS -n ${grant.namespace}\``
          : REMEDIES[check];
      return [token, fail('identity token', `it ${failed}`, remedy, 3)];
    }
    const stored = await store.findCode(grant.uid, proof.signedCode.jti);
    const permitted = ok('identity token', `it proves ${proof.identity.name}, which the grant permits`);
    return [token, permitted, grantCheck(checkCode(proof, stored, identities.clock()), true)];
  } catch (error) {
    return [failWithError('identity', error, '')];
  }
}

async function findGrant(
  nameOrUid: string,
  namespace: string,
  store: CheckedGrants['store'],
): Promise<AccessGrant | undefined> {
  const grant = isUuid(nameOrUid) ? await store.findGrant(nameOrUid) : undefined;
  return grant ?? store.findGrantByName(namespace, nameOrUid);
}
