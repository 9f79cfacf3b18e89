/*
 * What really ends a link is that the router no longer trusts the CA that signed its certificate. A cut changes that CA for
 * another, step by step, so that every other link is renewed before. What is kept between the steps is only which CAs
 * have to go and what people have said is done; everything else is looked at anew each time, so a run that died is
 * taken up by the next one.
 */
import type { Checkpoint, Clock } from './clock.js';
import type { GrantStore } from './grant-store.js';
import { type LiveLink, liveLinks } from './live-links.js';
import { TAKEN_UP_MS } from './retire-issuer.js';

/** What a cut waits for, in this order. */
export const CUT_STEPS = [
  /** The new CA is there, and the router trusts both. */
  'trust-new',
  /** The new CA signs. */
  'sign-new',
  /** Every other link has a certificate of the new CA. */
  'renew',
  /** Every link has connected once more while both are trusted. */
  'rehearse',
  /** The router shows a certificate of the new CA. */
  'server-certificate',
  /** The router trusts the old CA no more. */
  'distrust-old',
] as const;

/** One of {@link CUT_STEPS}. */
export type CutStep = (typeof CUT_STEPS)[number];

/** A cut that is under way, as it is kept. */
interface Cut {
  /** The redemption for whose sake it was begun. */
  readonly redemptionId: string;
  /** SHA-256 of the CAs that have to go, lower-case hex. */
  readonly old: readonly string[];
  readonly step: CutStep;
  /** True once people were told what the step waits for: what was not asked for cannot have been done. */
  readonly isTold: boolean;
}

/** The issuer whose CA is changed. */
export interface CutIssuer {
  /** Unlike that of every other issuer on the same store. */
  readonly key: string;
  /** SHA-256 of the CA that signs, and of all that the answers to links trust. */
  look(): Promise<{ readonly signing: string; readonly trusted: readonly string[] }>;
  /** Changes it, where it is linkgrant's own; each may be repeated. */
  readonly own?: {
    prepare(): Promise<unknown>;
    activate(): Promise<unknown>;
    retire(sha256: string): Promise<unknown>;
    /** When the CA was replaced as the one that signs, milliseconds since the epoch. */
    replacedAt(sha256: string): number;
  };
}

/** Where a cut stands. */
export type CutStanding =
  | { readonly standing: 'done' }
  /** Another cut is under way, for other CAs of the same issuer. */
  | { readonly standing: 'other'; readonly redemptionId: string }
  | {
      readonly standing: 'waiting';
      readonly step: CutStep;
      /** SHA-256 of the CAs that have still to go. */
      readonly old: readonly string[];
      /** Other links whose newest certificate is valid and of one of these. */
      readonly behind: readonly LiveLink[];
      /** True where it was said to be done, and is not. */
      readonly isUnmet: boolean;
      /** Milliseconds after which the old CA can go; absent where it need not be waited for. */
      readonly waitMs?: number;
    };

/** What cuts are made with. */
export interface CutDependencies {
  readonly store: GrantStore;
  readonly issuer: CutIssuer;
  readonly clock: Clock;
  readonly checkpoint: Checkpoint;
}

/**
 * Takes a cut as far as it goes by itself; it is begun where none is under way. `signers`: SHA-256 of the CAs that signed
 * the valid certificates of the redemption. `goOn`: what the step that was told last waits for has been done; no step is
 * passed over that was not. Rejects as the issuer's acts do.
 */
export async function advanceCut(
  asked: { readonly redemptionId: string; readonly signers: readonly string[]; readonly goOn: boolean },
  deps: CutDependencies,
): Promise<CutStanding> {
  const { redemptionId, signers } = asked;
  const { trusted } = await deps.issuer.look();
  const old = signers.filter((sha256) => trusted.includes(sha256));
  const kept = await readCut(deps);
  if (old.length === 0 && kept?.redemptionId !== redemptionId) return { standing: 'done' };
  if (kept && old.some((sha256) => !kept.old.includes(sha256))) {
    return { standing: 'other', redemptionId: kept.redemptionId };
  }
  const cut = kept ?? (await writeCut({ redemptionId, old, step: 'trust-new', isTold: false }, deps));
  return takeSteps(cut, asked.goOn, deps);
}

async function takeSteps(begun: Cut, goOn: boolean, deps: CutDependencies): Promise<CutStanding> {
  const { store, issuer, clock } = deps;
  let cut = begun;
  const goTo = async (step: CutStep) => {
    cut = await writeCut({ ...cut, step, isTold: false }, deps);
  };
  for (;;) {
    const { signing, trusted } = await issuer.look();
    const old = cut.old.filter((sha256) => trusted.includes(sha256));
    if (old.length === 0) {
      await writeCut(undefined, deps);
      return { standing: 'done' };
    }
    const behind = () => linksBehind(old, store, clock());
    const seen = await stepSeen(cut.step, !old.includes(signing), behind);
    if (seen !== cut.step) {
      await goTo(seen);
      continue;
    }
    const { step } = cut;
    if (step === 'trust-new') await issuer.own?.prepare();
    if (step === 'sign-new' && issuer.own) {
      await issuer.own.activate();
      if (!old.includes((await issuer.look()).signing)) continue;
      // The CA that was prepared is gone: another one has to be trusted first.
      await goTo('trust-new');
      continue;
    }
    const waiting = async (more: { readonly isUnmet?: boolean; readonly waitMs?: number } = {}) =>
      ({ standing: 'waiting', step, old, behind: await behind(), isUnmet: false, ...more }) as const;
    if (!goOn || !cut.isTold) return waiting();
    // What can be seen needs nobody's word.
    if (step === 'sign-new' || (step === 'distrust-old' && !issuer.own)) return waiting({ isUnmet: true });
    if (step !== 'distrust-old') {
      await goTo(following(step));
      continue;
    }
    const waitMs = await retire(old, deps);
    if (waitMs !== undefined) return waiting({ waitMs });
  }
}

/** Notes that people were told what a cut waits for: from now on they can say that it has been done. */
export async function noteTold(step: CutStep, deps: CutDependencies): Promise<void> {
  const cut = await readCut(deps);
  if (cut?.step === step && !cut.isTold) await writeCut({ ...cut, isTold: true }, deps);
}

/** Removes old CAs of an issuer of our own; gives how long has to be waited first, and then nothing was removed. */
async function retire(
  old: readonly string[],
  { issuer: { own }, clock }: CutDependencies,
): Promise<number | undefined> {
  if (!own) return undefined;
  const waitMs = Math.max(...old.map((sha256) => own.replacedAt(sha256))) + TAKEN_UP_MS - clock();
  if (waitMs > 0) return waitMs;
  for (const sha256 of old) await own.retire(sha256);
  return undefined;
}

/** Ends a cut where it stands: what was changed stays as it is. False where none was under way. */
export async function abortCut(deps: CutDependencies): Promise<boolean> {
  if (!(await readCut(deps))) return false;
  await writeCut(undefined, deps);
  return true;
}

function following(step: CutStep): CutStep {
  return CUT_STEPS[CUT_STEPS.indexOf(step) + 1] ?? step;
}

/** The step that a cut is at by what can be seen, whatever was noted. */
async function stepSeen(
  noted: CutStep,
  isReplaced: boolean,
  behind: () => Promise<readonly LiveLink[]>,
): Promise<CutStep> {
  const isBefore = noted === 'trust-new' || noted === 'sign-new';
  if (!isReplaced) return isBefore ? noted : 'trust-new';
  if (isBefore) return 'renew';
  return noted === 'renew' && (await behind()).length === 0 ? 'rehearse' : noted;
}

async function linksBehind(
  old: readonly string[],
  store: Pick<GrantStore, 'listRedemptions' | 'findRenewedRedemption'>,
  now: number,
): Promise<LiveLink[]> {
  const behind: LiveLink[] = [];
  for await (const link of liveLinks(store, {}, now)) {
    if (link.newest.notAfter > now && old.includes(link.newest.issuerSha256)) behind.push(link);
  }
  return behind;
}

async function readCut({ store, issuer }: CutDependencies): Promise<Cut | undefined> {
  const text = await store.getSetting(settingOf(issuer));
  return text ? (JSON.parse(text) as Cut) : undefined;
}

async function writeCut<T extends Cut | undefined>(
  cut: T,
  { store, issuer, checkpoint }: CutDependencies,
): Promise<T> {
  await store.putSetting(settingOf(issuer), cut ? JSON.stringify(cut) : '');
  await checkpoint('cut-noted');
  return cut;
}

function settingOf({ key }: CutIssuer): string {
  return `cut/${key}`;
}
