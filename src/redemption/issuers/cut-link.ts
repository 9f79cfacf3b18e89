/*
 * A revoked link is cut off by replacing the CA that signed its certificate: a router that no longer trusts a CA refuses every
 * link with a certificate of that CA. The CA is replaced in steps, so that the other links renew first. No step is recorded:
 * each run checks the CAs, the links and the routers, and stops at the first step that is not done. For the steps that cannot
 * be checked, the operator says how many are done.
 */
import type { Clock } from '../ports/clock.js';
import type { GrantStore } from '../ports/grant-store.js';
import type { PrepareOutcome } from '../ports/issuers.js';
import type { IssuedLink } from '../ports/link-store.js';
import { liveLinks } from './live-links.js';
import type { RouterProbe } from './probe-router.js';
import { CA_RELOAD_MS } from './retire-issuer.js';

/** The steps of a cut, in this order. */
export const CUT_STEPS = [
  /** The new CA exists, and the router trusts the old CA and the new one. */
  'trust-new',
  /** The new CA signs. */
  'sign-new',
  /** Every other link has a certificate of the new CA. */
  'renew',
  /** Every link has reconnected while the router trusts the old CA and the new one. */
  'rehearse',
  /** The router presents a certificate of the new CA. */
  'server-certificate',
  /** The router no longer trusts the old CA. */
  'distrust-old',
] as const;

/** One of {@link CUT_STEPS}. */
export type CutStep = (typeof CUT_STEPS)[number];

/** The issuer whose CA is replaced. */
export interface CutIssuer {
  /** SHA-256 of the CA that signs, and of all CAs in `ca.crt` of responses. */
  readState(): Promise<{ readonly signing: string; readonly trusted: readonly string[] }>;
  /** Present if linkgrant manages the CAs. Each operation may be repeated. */
  readonly own?: {
    prepare(): Promise<PrepareOutcome>;
    activate(): Promise<unknown>;
    retire(sha256: string): Promise<unknown>;
    /** When another CA began to sign in place of this one, milliseconds since the epoch. */
    replacedAt(sha256: string): number;
    /** Dials each router of the site with a certificate of the old CA, and one of the CA that signs. */
    probeRouters(old: string): Promise<readonly RouterProbe[]>;
  };
}

/** Why a step is not done although the operator reports it as done. */
export type CutObstacle =
  /** The old CA still signs, or links have not renewed, or responses still contain the old CA. */
  | { readonly kind: 'not-done' }
  /** Milliseconds until every service signs with the new CA. */
  | { readonly kind: 'wait'; readonly waitMs: number }
  /** A router accepts a certificate of the old CA, or could not be probed. */
  | { readonly kind: 'router'; readonly probes: readonly RouterProbe[] };

/** The progress of a cut. */
export type CutProgress =
  /** No CA that signed a valid certificate of the redemption is trusted. `probes` are those of this run. */
  | { readonly state: 'done'; readonly probes: readonly RouterProbe[] }
  | {
      readonly state: 'waiting';
      readonly step: CutStep;
      /** SHA-256 of the CAs to be removed. */
      readonly old: readonly string[];
      /** Links that have not renewed: their newest certificate is valid and signed by one of these CAs. */
      readonly behind: readonly IssuedLink[];
      /** The steps that this run has done. */
      readonly doneNow: readonly CutStep[];
      readonly obstacle?: CutObstacle;
    };

/** Input of {@link advanceCut}. */
export interface CutRequest {
  /** SHA-256 of the CAs that signed the valid certificates of the redemption. */
  readonly signers: readonly string[];
  /** How many of the steps are done, as the operator reports. */
  readonly stepsDone: number;
  /** True to continue although links have not renewed, or routers could not be probed. */
  readonly force: boolean;
}

/** Dependencies of {@link advanceCut}. */
export interface CutDependencies {
  readonly store: Pick<GrantStore, 'listLinks'>;
  readonly issuer: CutIssuer;
  readonly clock: Clock;
}

interface CutRun {
  readonly request: CutRequest;
  readonly deps: CutDependencies;
  /** SHA-256 of the CAs to be removed. */
  readonly old: readonly string[];
  readonly doneNow: CutStep[];
}

/**
 * Does the steps of a cut that linkgrant can do, and returns the first step that is not done. Rejects as the issuer's
 * operations do.
 */
export async function advanceCut(request: CutRequest, deps: CutDependencies): Promise<CutProgress> {
  const { signing, trusted } = await deps.issuer.readState();
  const old = request.signers.filter((sha256) => trusted.includes(sha256));
  if (old.length === 0) return { state: 'done', probes: [] };
  const run: CutRun = { request, deps, old, doneNow: [] };
  const stopped = old.includes(signing) ? await replaceSigner(run) : undefined;
  return stopped ?? (await awaitRenewals(run)) ?? (await awaitOperator(run)) ?? removeOld(run);
}

/** Steps 1 and 2: creates the new CA, and lets it sign once the router trusts it. */
async function replaceSigner(run: CutRun): Promise<CutProgress | undefined> {
  const { request, deps, old } = run;
  const { own } = deps.issuer;
  // No router trusts a CA that this run created.
  const isNew = (await own?.prepare()) === 'prepared';
  if (isNew || request.stepsDone < 1) return stopAt('trust-new', run);
  await own?.activate();
  if (!old.includes((await deps.issuer.readState()).signing)) {
    run.doneNow.push('sign-new');
    return undefined;
  }
  // If linkgrant manages the CAs, another process has removed the prepared CA. Otherwise the owner of the CA has to
  // activate the new one.
  return own ? advanceCut(request, deps) : stopAtUndone('sign-new', run);
}

/** Step 3: the other links renew; `force` continues without those that have not. */
async function awaitRenewals(run: CutRun): Promise<CutProgress | undefined> {
  const { stepsDone, force } = run.request;
  if (stepsDone >= 3 && force) return undefined;
  const isRenewed = (await linksBehind(run)).length === 0;
  return isRenewed ? undefined : stopAtUndone('renew', run);
}

/** Steps 4 to 6: stops at the first one that the operator has not reported as done. {@link removeOld} then checks step 6. */
function awaitOperator(run: CutRun): Promise<CutProgress> | undefined {
  const next = CUT_STEPS[Math.max(run.request.stepsDone, CUT_STEPS.indexOf('rehearse'))];
  return next && stopAt(next, run);
}

/**
 * Removes the old CAs of an own issuer if each probed router refuses them; with `force` also if a probe has no result.
 */
async function removeOld(run: CutRun): Promise<CutProgress> {
  const { request, deps, old } = run;
  const { own } = deps.issuer;
  if (!own) return stopAtUndone('distrust-old', run);
  const waitMs = Math.max(...old.map((sha256) => own.replacedAt(sha256))) + CA_RELOAD_MS - deps.clock();
  if (waitMs > 0) return stopAt('distrust-old', run, { kind: 'wait', waitMs });
  const probes = (await Promise.all(old.map((sha256) => own.probeRouters(sha256)))).flat();
  const isRefused = probes.length > 0 && probes.every(({ verdict }) => verdict === 'refused');
  const isAccepted = probes.some(({ verdict }) => verdict === 'accepted');
  if (isAccepted || (!isRefused && !request.force)) {
    return stopAt('distrust-old', run, { kind: 'router', probes });
  }
  for (const sha256 of old) await own.retire(sha256);
  return { state: 'done', probes };
}

async function stopAt(step: CutStep, run: CutRun, obstacle?: CutObstacle): Promise<CutProgress> {
  const { old, doneNow } = run;
  const behind = await linksBehind(run);
  return { state: 'waiting', step, old, behind, doneNow, ...(obstacle && { obstacle }) };
}

/** Stops at a step that is not done; with an obstacle if the operator reports it as done. */
function stopAtUndone(step: CutStep, run: CutRun): Promise<CutProgress> {
  const isReportedDone = run.request.stepsDone > CUT_STEPS.indexOf(step);
  return stopAt(step, run, isReportedDone ? { kind: 'not-done' } : undefined);
}

async function linksBehind({ old, deps }: CutRun): Promise<IssuedLink[]> {
  const now = deps.clock();
  const isBehind = ({ notAfter, issuerSha256 }: IssuedLink) => notAfter > now && old.includes(issuerSha256);
  return liveLinks(deps.store, {}, now, isBehind);
}
