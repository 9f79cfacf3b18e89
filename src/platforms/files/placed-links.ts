import { join } from 'node:path';
import { readBoundedText } from '../../files/bounded-text.js';
import { namesIn } from '../../files/directory-names.js';
import { asMapping, parseYamlMappings, type YamlMapping } from '../../files/yaml-documents.js';
import { certificateEnd, isManaged } from './own-resource.js';
import { hidesResource } from './resource-files.js';

const LIMITS = { length: 1024 * 1024, documents: 1 };
const LINK_FILE = /^Link-(.+)\.yaml$/;

/** A link that linkgrant created and whose certificate has not expired. */
export interface PlacedLink {
  /** Name of its Secret. A single Link has the same name; if there are several, each adds a number (`west-1`, `west-2`). */
  readonly name: string;
  readonly files: readonly string[];
  /** Milliseconds since the epoch. */
  readonly notAfter: number;
}

/** The complete links in a directory that linkgrant created and whose certificate has not expired at `now`. */
export function placedLinks(directory: string, now: number): PlacedLink[] {
  const placed = new Map<string, PlacedLink>();
  for (const linkFile of linkFilesIn(directory)) {
    const link = readManaged(linkFile);
    const name = asMapping(link?.spec).tlsCredentials;
    if (typeof name !== 'string') continue;
    const secretFile = join(directory, `Secret-${name}.yaml`);
    const secret = readManaged(secretFile);
    const notAfter = secret && certificateEnd(secret);
    if (notAfter === undefined || notAfter <= now) continue;
    const files = placed.get(name)?.files ?? [secretFile];
    placed.set(name, { name, files: [...files, linkFile], notAfter });
  }
  return [...placed.values()];
}

function linkFilesIn(directory: string): string[] {
  return namesIn(directory)
    .filter((name) => LINK_FILE.test(name))
    .map((name) => join(directory, name));
}

function readManaged(file: string): YamlMapping | undefined {
  try {
    const [resource] = parseYamlMappings(readBoundedText(file), LIMITS);
    return resource && isManaged(resource) ? resource : undefined;
  } catch (error) {
    if (hidesResource(error, file, ['Link', 'Secret'])) throw error;
    return undefined;
  }
}
