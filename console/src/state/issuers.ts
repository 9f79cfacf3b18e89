import type { Api } from '../api/client.js';
import { readIssuers } from '../api/issuers.js';
import { type Resource, usePolling, useResource } from './resource.js';

// The files of the CAs are not in the store, so no change event reports a rotation.
const POLL_MS = 5_000;

/** All issuers with their CAs, read again every five seconds. */
export function useIssuers(): Resource<readonly Api['Issuer'][]> {
  const resource = useResource('issuers', readIssuers, ['links', 'grants']);
  usePolling(resource, POLL_MS);
  return resource;
}

/** The number of steps that cut a link off (docs/how-to/revoke-links.md). */
export const CUT_STEPS = 6;

/** What the issuers show about the steps that cut a link off. */
export interface CutProgress {
  /** The number of steps that are certainly done: 0, 2 (a new CA signs), 3 (the other links have renewed) or all (the old CA is removed). */
  readonly done: 0 | 2 | 3 | typeof CUT_STEPS;
  /** True if the next CA exists and does not sign yet. */
  readonly isPrepared?: boolean;
  /** True if an issuer cannot be read, so that more steps may be done. */
  readonly isUnknown?: boolean;
}

/** Returns which steps of cutting `link` off are done, from the state of the CAs that signed its valid certificates. */
export function cutProgress(link: Api['RedemptionDetail'], issuers: readonly Api['Issuer'][]): CutProgress {
  const signers = validSigners(link);
  const signing = issuers.filter(({ signs }) => signs === 'links');
  const own = signing.filter(({ authorities }) => authorities.some(({ sha256 }) => signers.has(sha256)));
  const old = own.flatMap(({ authorities }) => authorities).filter(({ sha256 }) => signers.has(sha256));
  if (old.length === 0)
    return signing.some(({ problem }) => problem !== undefined)
      ? { done: 0, isUnknown: true }
      : { done: CUT_STEPS };
  if (old.some(({ role }) => role === 'active')) {
    const isPrepared = own.some(({ authorities }) => authorities.some(({ role }) => role === 'prepared'));
    return { done: 0, isPrepared };
  }
  return { done: old.some(({ links }) => links !== 0) ? 2 : 3 };
}

/** The SHA-256 of the CAs that signed the certificates of a link that are still valid. */
export function validSigners(link: Api['RedemptionDetail']): ReadonlySet<string> {
  const certificates = [link, ...(link.renewals ?? [])];
  const valid = certificates.filter(({ notAfter }) => Date.parse(notAfter) > Date.now());
  return new Set(valid.map(({ issuerSha256 }) => issuerSha256));
}
