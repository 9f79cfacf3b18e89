import { setTimeout as sleep } from 'node:timers/promises';
import { setTracer } from './span.js';

const PROTOCOLS = ['http/protobuf', 'http/json'] as const;

// How long the end of a process waits for the export of its last spans.
const LAST_EXPORT_MS = 1_000;
/** Time limit of a command's export, in milliseconds: shorter than the exporter's pause before a retry, so it never retries. */
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
    const timeout = sleep(LAST_EXPORT_MS, 'late', { ref: false });
    const lastExport = tracer.flush().catch(() => undefined);
    const outcome = await Promise.race([lastExport, timeout]);
    if (outcome === 'late') report.failing('the collector did not answer in time');
  };
}

/** The protocol of the export; undefined if it is off. */
function requestedProtocol({ env, report }: TracingOptions): (typeof PROTOCOLS)[number] | undefined {
  const [endpointName, endpoint] = variable(env, 'ENDPOINT');
  if (!endpoint || env.OTEL_TRACES_EXPORTER === 'none') return undefined;
  if (env.OTEL_SDK_DISABLED?.toLowerCase() === 'true') return undefined;
  const [protocolVariable, protocolName = PROTOCOLS[0]] = variable(env, 'PROTOCOL');
  const protocol = PROTOCOLS.find((name) => name === protocolName);
  // The SDK ignores an endpoint that it cannot use, and exports to its default one.
  const isUsable = /^https?:\/\/[^\s?#]+$/.test(endpoint) && URL.canParse(endpoint);
  if (!isUsable) report.off(`${endpointName} is not an http or https URL without a query`);
  else if (!protocol) report.off(`${protocolVariable} is not ${PROTOCOLS.join(' or ')}`);
  return isUsable ? protocol : undefined;
}

/** Returns name and value of the variable for traces, else of the variable for all signals; the value is undefined if empty. */
function variable(env: TracingOptions['env'], name: string): [string, string | undefined] {
  const forTraces = `OTEL_EXPORTER_OTLP_TRACES_${name}`;
  if (env[forTraces]) return [forTraces, env[forTraces]];
  const forAll = `OTEL_EXPORTER_OTLP_${name}`;
  return [forAll, env[forAll] || undefined];
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
