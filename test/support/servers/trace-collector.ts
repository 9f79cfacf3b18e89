import { createServer } from 'node:http';
import { until } from '../until.js';
import { listenLocally } from './local-server.js';

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
  close = async (): Promise<void> => undefined;

  static async start(): Promise<Collector> {
    const collector = new Collector();
    const server = createServer((request, response) => {
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
    const { port, close } = await listenLocally(server);
    collector.env = exportTo(`http://127.0.0.1:${port}`);
    collector.close = close;
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
