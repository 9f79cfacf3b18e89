import type { CertificateTimes } from '../../admin/certificate-readiness.js';
import type { MetricsSnapshot } from '../../admin/worker-metrics.js';
import type { ServiceDescription } from '../../redemption/accepting/service-description.js';
import type { ExitCode } from '../terminal/command-error.js';

/** A message of a worker to the primary process. */
export interface WorkerMessage {
  /** Sent once, when the worker serves. */
  readonly ready?: {
    readonly description: ServiceDescription;
    readonly port: number;
    readonly adminPort: number | undefined;
  };
  /** Sent regularly, because certificates are renewed. */
  readonly certificateTimes?: CertificateTimes;
  /** Sent regularly; what a worker counts after its last message is lost when it dies. */
  readonly metrics?: MetricsSnapshot;
  /** Sent after SIGHUP, when the worker has read its certificates again. */
  readonly reloaded?: true;
  /** Sent instead of `ready` if the worker cannot serve. */
  readonly failed?: {
    readonly message: string;
    readonly hint: string | undefined;
    readonly exitCode: ExitCode;
  };
}
