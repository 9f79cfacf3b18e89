import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { until } from '../until.js';

/** A span as a collector receives it in OTLP's JSON. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly status: { readonly code?: number };
  readonly links?: readonly { readonly traceId: string }[];
  readonly attributes: readonly { readonly key: string; readonly value: object }[];
}

const servers: Server[] = [];

/** Starts an HTTP server in place of a collector, and returns its URL. */
export async function listenAsCollector(handler: RequestListener): Promise<string> {
  const server = createServer(handler);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Closes all collectors. */
export function closeCollectors(): void {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
}

/** The variables of a process that exports its spans to `url` soon after they end. */
export const exportTo = (url: string) => ({
  OTEL_EXPORTER_OTLP_ENDPOINT: url,
  OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
  OTEL_BSP_SCHEDULE_DELAY: '50',
});

/** A collector that stores what it receives. */
export class Collector {
  /** Everything received, as text. */
  text = '';
  readonly spans: ReceivedSpan[] = [];
  env: Readonly<Record<string, string>> = {};

  static async start(): Promise<Collector> {
    const collector = new Collector();
    const url = await listenAsCollector((request, response) => {
      let text = '';
      request.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      request.on('end', () => {
        collector.text += `${request.url} ${text}\n`;
        for (const { scopeSpans } of JSON.parse(text).resourceSpans) {
          for (const { spans } of scopeSpans) collector.spans.push(...spans);
        }
        response.setHeader('content-type', 'application/json').end('{}');
      });
    });
    collector.env = exportTo(url);
    return collector;
  }

  /** Resolves with the first span of this name, once it has arrived. */
  async span(name: string): Promise<ReceivedSpan> {
    const find = () => this.spans.find((span) => span.name === name);
    await until(() => find() !== undefined);
    return find() as ReceivedSpan;
  }

  /** The names of the spans in `parent`, as a tree. */
  treeIn(parent: ReceivedSpan): object {
    const children = this.spans.filter(({ parentSpanId }) => parentSpanId === parent.spanId);
    return Object.fromEntries(children.map((span) => [span.name, this.treeIn(span)]));
  }
}

/** The attributes of a span by name. */
export const attributesOf = ({ attributes }: ReceivedSpan) =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
