import type { CertificateTimes } from '../../admin/certificate-readiness.js';
import type { MetricsSnapshot } from '../../admin/worker-metrics.js';
import type { ServiceDescription } from '../../redemption/accepting/service-description.js';
import type { ExitCode } from '../terminal/command-error.js';

/** What a worker tells the process that started it. */
export interface WorkerMessage {
  /** Once, when it answers. */
  readonly ready?: {
    readonly description: ServiceDescription;
    readonly port: number;
    readonly adminPort: number | undefined;
  };
  /** Told again and again, since a renewed certificate ends later. */
  readonly ends?: CertificateTimes;
  /** Told when it is asked to, and again and again, so that little is lost with a worker that dies. */
  readonly metrics?: MetricsSnapshot;
  readonly failed?: {
    readonly message: string;
    readonly hint: string | undefined;
    readonly exitCode: ExitCode;
  };
}

/** What a worker is asked for: its metrics as they are now. */
export interface WorkerOrder {
  readonly tellMetrics: true;
}
