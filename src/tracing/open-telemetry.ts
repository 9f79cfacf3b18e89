import { AsyncLocalStorage } from 'node:async_hooks';
import {
  type Context,
  isSpanContextValid,
  type Link,
  type Span as OpenTelemetrySpan,
  ROOT_CONTEXT,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor, type SpanExporter } from '@opentelemetry/sdk-trace-base';
import type { SpanAttributes, SpanOptions, Tracer } from './span.js';

/** A tracer that exports to a collector. */
export interface ExportingTracer extends Tracer {
  /** Exports the remaining spans and ends the export. Call it once, at the end of the process. */
  flush(): Promise<void>;
}

const KINDS = { server: SpanKind.SERVER, client: SpanKind.CLIENT } as const;
const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;
const ERROR_CODE = /^\w{1,64}$/;

/**
 * Creates a tracer with OpenTelemetry's SDK. The SDK itself reads the variables `OTEL_*` of the process. Spans are exported in
 * batches in the background, and dropped if the collector does not accept them in time. `onFailing` is called with the reason
 * when exports start to fail, not for each failure, and with undefined when they succeed again.
 */
export async function openTelemetryTracer({
  protocol,
  version,
  timeoutMs,
  onFailing,
}: {
  readonly protocol: 'http/protobuf' | 'http/json';
  readonly version: string;
  /** Time limit of an export, in milliseconds; absent: that of `OTEL_EXPORTER_OTLP_TIMEOUT`. */
  readonly timeoutMs: number | undefined;
  readonly onFailing: (reason: string | undefined) => void;
}): Promise<ExportingTracer> {
  const { OTLPTraceExporter } =
    protocol === 'http/json'
      ? await import('@opentelemetry/exporter-trace-otlp-http')
      : await import('@opentelemetry/exporter-trace-otlp-proto');
  const exporter = new OTLPTraceExporter(timeoutMs === undefined ? {} : { timeoutMillis: timeoutMs });
  const provider = new BasicTracerProvider({
    resource: defaultResource()
      .merge(resourceFromAttributes({ 'service.name': 'linkgrant', 'service.version': version }))
      .merge(detectResources({ detectors: [envDetector] })),
    spanProcessors: [new BatchSpanProcessor(withFailureReports(exporter, onFailing))],
  });
  const tracer = provider.getTracer('linkgrant', version);
  const current = new AsyncLocalStorage<OpenTelemetrySpan>();
  return {
    inSpan(options, operation) {
      const parent = current.getStore();
      if (!parent && !options.startsTrace) return operation({ set() {} });
      const { name, kind, attributes = {} } = options;
      const span = tracer.startSpan(
        name,
        { attributes, links: linksOf(options), kind: kind ? KINDS[kind] : SpanKind.INTERNAL },
        parent ? trace.setSpan(ROOT_CONTEXT, parent) : contextOf(options),
      );
      const set = (more: SpanAttributes) => {
        span.setAttributes(more);
        if (kind === 'server' && Number(more['http.response.status_code']) >= 500) {
          span.setStatus({ code: SpanStatusCode.ERROR });
        }
      };
      return current.run(span, async () => {
        try {
          return await operation({ set });
        } catch (error) {
          span.setAttributes({ 'error.type': errorType(error) });
          span.setStatus({ code: SpanStatusCode.ERROR });
          throw error;
        } finally {
          span.end();
        }
      });
    },
    traceparent() {
      const { traceId, spanId, traceFlags } = current.getStore()?.spanContext() ?? {};
      if (traceId === undefined || traceFlags === undefined) return undefined;
      return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
    },
    flush: () => provider.shutdown(),
  };
}

function contextOf({ caller }: SpanOptions): Context {
  const parent = parseTraceparent(caller);
  return parent ? trace.setSpanContext(ROOT_CONTEXT, parent) : ROOT_CONTEXT;
}

function linksOf({ untrustedCaller }: SpanOptions): Link[] {
  const context = parseTraceparent(untrustedCaller);
  return context ? [{ context }] : [];
}

function parseTraceparent(header = ''): SpanContext | undefined {
  const [, traceId = '', spanId = '', flags = ''] = TRACEPARENT.exec(header) ?? [];
  const context = { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1, isRemote: true };
  return isSpanContextValid(context) ? context : undefined;
}

/** The code or reason of an error, else its class; not its message, which may contain names. */
function errorType(error: unknown): string {
  const { code, reason, name } = (error ?? {}) as { code?: unknown; reason?: unknown; name?: unknown };
  return (
    [code, reason, name].map(String).find((text) => ERROR_CODE.test(text) && text !== 'undefined') ?? '_OTHER'
  );
}

function withFailureReports(
  exporter: SpanExporter,
  onFailing: (reason: string | undefined) => void,
): SpanExporter {
  let isFailing = false;
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        const hasFailed = result.code !== 0;
        if (hasFailed !== isFailing) onFailing(hasFailed ? exportErrorReason(result.error) : undefined);
        isFailing = hasFailed;
        done(result);
      });
    },
    shutdown: () => exporter.shutdown(),
  };
}

/** Why an export failed, without the text of a response. */
function exportErrorReason(error: Error & { readonly code?: unknown } = new Error('no response')): string {
  return typeof error.code === 'number' ? `the collector responded with ${error.code}` : error.message;
}
