import type { Resource } from '../../../src/platforms/kubernetes/api/resource.js';
import type { SecretResource } from '../../../src/platforms/kubernetes/requesting/namespace-target.js';

/** The names of resources, sorted. */
export function namesOf(resources: readonly Pick<Resource, 'metadata'>[]): string[] {
  return resources.map(({ metadata }) => metadata.name).sort();
}

/** The text of an entry of a Secret; empty if there is none. */
export function textIn(secret: SecretResource | undefined, key: string): string {
  return Buffer.from(secret?.data?.[key] ?? '', 'base64').toString();
}

/** The `data` of a Secret with these texts. */
export function dataOf(texts: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(texts).map(([key, text]) => [key, Buffer.from(text).toString('base64')]),
  );
}
