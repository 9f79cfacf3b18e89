import { setTimeout as sleep } from 'node:timers/promises';
import { setTracer } from './span.js';

const PROTOCOLS = ['http/protobuf', 'http/json'] as const;

// How long the end of a process waits for the export of its last spans.
const LAST_EXPORT_MS = 1_000;
/** Time limit of an export by a command, in milliseconds: shorter than a pause before a retry, so a command never retries. */
export const COMMAND_EXPORT_MS = 750;

/** Receives the problems of the export; none of them ends or delays an operation. */
export interface TracingReport {
  /** No trace is recorded although the variables of OpenTelemetry request it. */
  off(reason: string): void;
  /** Exports have started to fail, for this reason; undefined: they succeed again. */
  failing(reason: string | undefined): void;
}

/** What tracing depends on. */
export interface TracingOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The version of this program. */
  readonly version: string;
  readonly report: TracingReport;
  /** Time limit of an export, in milliseconds; absent: that of the variables. */
  readonly timeoutMs?: number;
}

/**
 * Records and exports traces from now on if the variables of OpenTelemetry request it. Returns a function that exports the
 * remaining spans and stops, within a second.
 */
export async function startTracing(options: TracingOptions): Promise<() => Promise<void>> {
  const { report } = options;
  const protocol = requestedProtocol(options);
  if (!protocol) return async () => {};
  const tracer = await openTracer(protocol, options);
  if (!tracer) return async () => {};
  setTracer(tracer);
  return async () => {
    setTracer(undefined);
    const isLate = sleep(LAST_EXPORT_MS, true, { ref: false });
    const lastExport = tracer.flush().catch(() => undefined);
    if (await Promise.race([lastExport, isLate])) report.failing('the collector did not answer in time');
  };
}

/** The protocol of the export; undefined if it is off. */
function requestedProtocol({ env, report }: TracingOptions): (typeof PROTOCOLS)[number] | undefined {
  const of = (name: string) => env[`OTEL_EXPORTER_OTLP_TRACES_${name}`] || env[`OTEL_EXPORTER_OTLP_${name}`];
  const endpoint = of('ENDPOINT');
  if (!endpoint || env.OTEL_TRACES_EXPORTER === 'none') return undefined;
  if (env.OTEL_SDK_DISABLED?.toLowerCase() === 'true') return undefined;
  const protocolName = of('PROTOCOL') || PROTOCOLS[0];
  const protocol = PROTOCOLS.find((one) => one === protocolName);
  // The SDK would export to this machine in place of an address that it cannot parse.
  const isUrl = URL.canParse(endpoint) && /^https?:$/.test(new URL(endpoint).protocol);
  if (!isUrl) report.off('OTEL_EXPORTER_OTLP_ENDPOINT is not an http or https URL');
  else if (!protocol) report.off(`OTEL_EXPORTER_OTLP_PROTOCOL is not ${PROTOCOLS.join(' or ')}`);
  return isUrl ? protocol : undefined;
}

async function openTracer(
  protocol: (typeof PROTOCOLS)[number],
  { version, report, timeoutMs }: TracingOptions,
) {
  try {
    const { openTelemetryTracer } = await import('./open-telemetry.js');
    return await openTelemetryTracer({ protocol, version, timeoutMs, onFailing: report.failing });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    report.off(
      code === 'ERR_MODULE_NOT_FOUND'
        ? 'the packages of OpenTelemetry are not installed; reinstall linkgrant with its optional packages'
        : message,
    );
    return undefined;
  }
}
