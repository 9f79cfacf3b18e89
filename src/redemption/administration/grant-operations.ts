import { randomUUID } from 'node:crypto';
import { mintCode } from '../../codes/opaque-code.js';
import { type AccessGrant, grantState } from '../../domain/access-grant.js';
import { AdministrationError } from '../../domain/administration-error.js';
import { selectsLabels } from '../../domain/label-selector.js';
import { labelsAndNoteProblem } from '../../domain/labels-and-note.js';
import { isUuid } from '../../domain/names.js';
import { formatTime } from '../../domain/rfc3339.js';
import {
  type CreatedGrant,
  createGrant,
  type GrantRequest,
  grantProblem,
} from '../accepting/create-grant.js';
import { joinLineOf } from '../accepting/join-line-of.js';
import type { ServiceDescription } from '../accepting/service-description.js';
import { liveLinkPages } from '../issuers/live-links.js';
import type { Attempt } from '../ports/grant-store.js';
import type { PageRequest } from '../ports/page.js';
import type { Administration, CreateGrantRequest, GrantFilter, OnceOnly } from './administration.js';
import {
  type AdministrationDependencies,
  requireAccess,
  requireGrant,
  requireService,
} from './dependencies.js';
import { filteredPage } from './filtered-page.js';
import { type ChosenOutcome, onceOnly, outcomeGone } from './once-only.js';
import { wrongCodesReport } from './reports/event-report.js';
import {
  type AttemptReport,
  type CreatedGrantReport,
  type GrantDetail,
  grantReport,
} from './reports/grant-report.js';
import { policyChangeOf, policyOf, rejectedError, windowOf } from './request-values.js';
import { updateGrant } from './update-grant.js';

const LAST_ATTEMPTS = 10;

type GrantOperations = Pick<
  Administration,
  'createGrant' | 'findGrant' | 'showGrant' | 'listGrants' | 'updateGrant' | 'revokeGrant' | 'deleteGrant'
>;

/** Returns where a grant is redeemed, and the line without a code if it permits identities. */
function serviceFields(
  { uid, name, policy }: AccessGrant,
  { url: base, ca }: ServiceDescription,
): Pick<GrantDetail, 'url' | 'joinLine'> {
  const url = `${base}/${uid}`;
  const joinLine = policy.identities && joinLineOf({ name, url, ca, code: '' });
  return { url, ...(joinLine !== undefined && { joinLine }) };
}

/** Operations on the grants of a store. */
export function grantOperations(deps: AdministrationDependencies): GrantOperations {
  const { store, clock } = deps;
  return {
    createGrant: (request, once) => createGrantOnce(request, once, deps),
    async findGrant(namespace, nameOrUid) {
      const grant =
        (isUuid(nameOrUid) ? await store.findGrant(nameOrUid) : undefined) ??
        (await store.findGrantByName(namespace, nameOrUid));
      if (grant) return grantReport(grant, clock());
      throw new AdministrationError(
        'no_such_grant',
        `there is no grant "${nameOrUid}" in namespace "${namespace}"`,
      );
    },
    async showGrant(uid) {
      const grant = await requireGrant(uid, deps);
      const service = await deps.readService();
      const codes = await store.countCodes(uid);
      const wrongCodes = await store.findWrongCodes(uid);
      return {
        ...grantReport(grant, clock()),
        ...(service && serviceFields(grant, service)),
        signedTokens: codes.recorded,
        signedTokensRevoked: codes.revoked,
        attempts: (await store.listAttempts(uid, LAST_ATTEMPTS)).map(attemptReport),
        ...(wrongCodes && { wrongCodes: wrongCodesReport(wrongCodes) }),
      };
    },
    listGrants: (page) => listGrantPage(page, deps),
    async updateGrant(uid, change) {
      const grant = await requireGrant(uid, deps);
      const { redemptionsAllowed, expirationWindow, policy, labels, note } = change;
      if (grant.sourceFile !== null && (redemptionsAllowed ?? expirationWindow ?? policy) !== undefined) {
        throw new AdministrationError('grant_declared', declaredMessage(grant), {
          hint: 'change spec.redemptionsAllowed or spec.settings there, and the service applies it; the expiration time cannot change',
        });
      }
      const problem = labelsAndNoteProblem({ labels, note }, grant.labels);
      if (problem !== undefined) throw rejectedError(`the grant was not changed: ${problem}`);
      const update = {
        redemptionsAllowed,
        expirationWindowMs: windowOf(expirationWindow),
        policy: policy && policyChangeOf(policy),
        labels,
        note,
      };
      const updated = await updateGrant(grant, update, deps);
      if (!('problem' in updated)) return grantReport(updated, clock());
      throw new AdministrationError('grant_state', `the grant was not changed: ${updated.problem}`, {
        member: updated.member,
      });
    },
    async revokeGrant(uid, cascade) {
      const now = clock();
      const { name } = await requireGrant(uid, deps);
      const countLinks = async () => {
        let links = 0;
        let lastEnd = 0;
        for await (const page of liveLinkPages(store, { grantUid: uid }, now)) {
          links += page.length;
          lastEnd = Math.max(lastEnd, ...page.map(({ notAfter }) => notAfter));
        }
        return { links, ...(links > 0 && { lastEnd: formatTime(lastEnd) }) };
      };
      // Only a cascade needs an earlier count. Without it a failed count, for example a missing right, must not prevent the
      // revocation.
      const counted = cascade ? await countLinks() : undefined;
      const outcome = (await store.revokeGrant(uid, now, cascade)) ? 'revoked' : 'already_revoked';
      return { uid, name, outcome, ...(counted ?? (await countLinks())) };
    },
    async deleteGrant(uid) {
      const grant = await requireGrant(uid, deps);
      const service = await deps.readService();
      if (service && deps.isDeclared(grant, service)) {
        throw new AdministrationError(
          'grant_declared',
          `${declaredMessage(grant)} and would be recreated with a use count of 0`,
          {
            hint: 'remove the file from input/resources, and the service deletes the grant; or revoke it',
          },
        );
      }
      await store.deleteGrant(uid);
    },
  };
}

async function createGrantOnce(
  request: CreateGrantRequest,
  once: OnceOnly | undefined,
  deps: AdministrationDependencies,
): Promise<CreatedGrantReport> {
  const { expirationWindow, policy: rules, ...properties } = request;
  const { namespace, name, code, issuer } = properties;
  const policy = rules && policyOf(rules);
  const grantRequest: GrantRequest = {
    ...properties,
    expirationWindowMs: windowOf(expirationWindow),
    policy,
  };
  const problem = grantProblem(grantRequest);
  if (problem) throw rejectedError(`the grant was not created: ${problem.problem}`, problem.member);
  const { url } = await requireService(deps);
  const choose = () => ({ createdId: randomUUID(), code: code ?? mintCode() });
  const chosen = once && (await onceOnly({ kind: 'grant', once, request }, choose, deps));
  const report = (created: CreatedGrant): CreatedGrantReport => ({
    ...grantReport(created.grant, deps.clock()),
    url: `${url}/${created.grant.uid}`,
    code: created.code,
  });
  const earlier = await findEarlierGrant(request, chosen, deps);
  if (earlier) return report(earlier);
  const { endpoints } = await requireAccess(
    { namespace, name, issuer: issuer ?? null, ...(policy && { policy }) },
    deps,
  );
  const preset = chosen && { uid: chosen.createdId, code: chosen.code };
  const outcome = await createGrant({ ...grantRequest, preset }, endpoints.length > 0, deps);
  if (!('problem' in outcome)) return report(outcome);
  // The request is valid, but its window ends too early.
  if (!outcome.isTaken)
    throw new AdministrationError('value_rejected', `the grant was not created: ${outcome.problem}`, {
      member: 'expirationWindow',
      hint: 'set a longer --expiration-window',
    });
  // A concurrent repetition of the request may have created it.
  const concurrent = await findEarlierGrant(request, chosen, deps);
  if (concurrent) return report(concurrent);
  throw new AdministrationError('name_taken', `the grant was not created: ${outcome.problem}`, {
    member: 'name',
  });
}

/**
 * Returns the grant that an earlier request with the same `Idempotency-Key` created. Throws if that grant was deleted, because
 * a new one would restore its uses.
 */
async function findEarlierGrant(
  { namespace, name }: CreateGrantRequest,
  chosen: ChosenOutcome | undefined,
  { store }: AdministrationDependencies,
): Promise<CreatedGrant | undefined> {
  if (!chosen) return undefined;
  const { createdId, code } = chosen;
  const grant = await store.findGrantByName(namespace, name);
  if (grant?.uid === createdId) return { grant, code };
  const [entry] = (await store.listLedger({ limit: 1, grantUid: createdId })).items;
  if (entry) throw outcomeGone();
  return undefined;
}

async function listGrantPage(
  { namespace, name, state, labels, ...page }: PageRequest & GrantFilter,
  deps: AdministrationDependencies,
) {
  const { store, clock } = deps;
  const now = clock();
  const isWanted = (grant: AccessGrant) =>
    (state === undefined || grantState(grant, now) === state) && (name === undefined || grant.name === name);
  if (namespace !== undefined && name !== undefined) {
    const grant = await store.findGrantByName(namespace, name);
    const isSelected = grant && (labels === undefined || selectsLabels(labels, grant.labels));
    return { items: isSelected && isWanted(grant) ? [grantReport(grant, now)] : [] };
  }
  return filteredPage(
    page,
    (part) => store.listGrants({ ...part, namespace, labels }, isWanted),
    (grant) => grantReport(grant, now),
  );
}

function declaredMessage({ name, sourceFile }: AccessGrant): string {
  return `grant "${name}" is declared by the file ${sourceFile}`;
}

function attemptReport(attempt: Attempt): AttemptReport {
  const { at, outcome, name, subject, peer, redemptionId, jti, count } = attempt;
  return {
    at: formatTime(at),
    outcome,
    name,
    subject,
    peer,
    count,
    ...(redemptionId !== null && { redemptionId }),
    ...(jti !== null && { jti }),
  };
}
