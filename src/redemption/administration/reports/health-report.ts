/** A check of the service, and its result. */
export interface HealthFinding {
  /** What was checked. */
  readonly check: string;
  readonly status: 'ok' | 'warning' | 'error';
  readonly message: string;
  /** A step, with each command in backticks; absent if nothing is wrong. */
  readonly remedy?: string;
}

/** The results of checks. */
export interface HealthReport {
  /** False if a check found an error. */
  readonly ready: boolean;
  readonly findings: readonly HealthFinding[];
}
