import type { Serving } from './command-line.js';

/** Reads a path, such as `/readyz`, of the operations listener of a service. */
export async function readOperations({ opsPort }: Pick<Serving, 'opsPort'>, path: string) {
  const response = await fetch(`http://127.0.0.1:${opsPort}${path}`);
  return { status: response.status, text: await response.text() };
}

/**
 * Returns the value of a metric series, such as `name{label="value"}`, of a service in its own process or in this process; NaN
 * if the metrics have no such series.
 */
export async function metricOf(
  service: Pick<Serving, 'opsPort'> | { metricsText(): Promise<string> },
  series: string,
): Promise<number> {
  const text =
    'metricsText' in service ? await service.metricsText() : (await readOperations(service, '/metrics')).text;
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${series} `));
  return Number(line?.slice(series.length + 1));
}
