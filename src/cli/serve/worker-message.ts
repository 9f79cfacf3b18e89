import type { CertificateTimes } from '../../admin/certificate-readiness.js';
import type { MetricsSnapshot } from '../../admin/worker-metrics.js';
import type { ServiceDescription } from '../../redemption/accepting/service-description.js';
import type { ExitCode } from '../terminal/command-error.js';

/** A message of a worker to the main process. */
export interface WorkerMessage {
  /** Sent once, when it answers. */
  readonly ready?: {
    readonly description: ServiceDescription;
    readonly port: number;
    readonly adminPort: number | undefined;
  };
  /** Sent periodically, because a certificate may be renewed. */
  readonly ends?: CertificateTimes;
  /** Sent on request and periodically, so that a worker that dies loses little. */
  readonly metrics?: MetricsSnapshot;
  readonly failed?: {
    readonly message: string;
    readonly hint: string | undefined;
    readonly exitCode: ExitCode;
  };
}

/** A request of the main process for the metrics of a worker. */
export interface WorkerOrder {
  readonly tellMetrics: true;
}
