import type { Schemas } from './api-schemas.js';

/** A check of the service, and its result. */
export type HealthFinding = Schemas['HealthFinding'];

/** The results of checks. */
export type HealthReport = Schemas['Health'];

/** A problem that an operator should solve. */
export type AttentionItem = OverviewReport['attention'][number];

/** Figures about the whole store, and what needs attention. Times are RFC 3339. */
export type OverviewReport = Schemas['Overview'];
