/*
 * Spans of a trace. Without a tracer, which is the default, `inSpan` only calls its operation.
 */

/**
 * Attributes of a span, with the names of OpenTelemetry's semantic conventions where one exists. They leave this machine, so they
 * contain no code, key or token, no name or subject of a link and no address of a client.
 */
export type SpanAttributes = Readonly<Record<string, string | number | undefined>>;

/** A span while its operation runs. */
export interface Span {
  /** Adds attributes. An `http.response.status_code` of 500 or more marks the operation of a server as failed. */
  set(attributes: SpanAttributes): void;
}

/** What a span describes. */
export interface SpanOptions {
  readonly name: string;
  /** `server` for a request that is answered, `client` for one that is sent; absent for an operation in this process. */
  readonly kind?: 'server' | 'client';
  readonly attributes?: SpanAttributes;
  /** Starts a trace if no span encloses this one. Absent: the span is recorded only within another one. */
  readonly startsTrace?: boolean;
  /** Header `traceparent` (W3C Trace Context) of a trusted caller: its trace is continued. */
  readonly caller?: string | undefined;
  /** The same header of any other caller: a new trace starts, with a link to that of the caller. */
  readonly untrustedCaller?: string | undefined;
}

/** Records spans and exports them. */
export interface Tracer {
  inSpan<T>(options: SpanOptions, operation: (span: Span) => Promise<T>): Promise<T>;
  traceparent(): string | undefined;
}

const NOT_RECORDED: Span = { set() {} };

// Set once, at the start of the process.
let tracer: Tracer | undefined;

/** Sets the tracer that records all further spans; undefined stops recording. */
export function setTracer(next: Tracer | undefined): void {
  tracer = next;
}

/** Runs `operation` in a span. If the operation rejects, the span contains the code of the error but not its message. */
export function inSpan<T>(options: SpanOptions, operation: (span: Span) => Promise<T>): Promise<T> {
  return tracer ? tracer.inSpan(options, operation) : operation(NOT_RECORDED);
}

/** The header `traceparent` of the enclosing span; no header outside of a span. */
export function traceHeaders(): Readonly<Record<string, string>> {
  const traceparent = tracer?.traceparent();
  return traceparent === undefined ? {} : { traceparent };
}
