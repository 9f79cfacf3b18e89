import { basename, join } from 'node:path';
import { readBoundedText } from '../../files/bounded-text.js';
import { namesIn } from '../../files/directory-names.js';
import { UnreadableFileError } from '../../files/file-error.js';
import { asMapping, parseYamlMappings, type YamlMapping } from '../../files/yaml-documents.js';

const LIMITS = { documents: 100 };
const NAMED_KIND = /^([A-Z][A-Za-z]+)-/;
// The file does not exist, or is a socket.
const NO_FILE = new Set(['ENOENT', 'ENXIO']);

/** A resource in a file. */
export interface ResourceFile {
  readonly kind: string;
  readonly name: string;
  readonly resource: YamlMapping;
}

/**
 * Paths of the `.yaml` and `.yml` files of a directory, sorted, without hidden files; none if the directory does not exist.
 * Throws UnreadableFileError if the directory cannot be read.
 */
export function listResourceFiles(directory: string): string[] {
  return namesIn(directory)
    .filter((name) => /\.ya?ml$/.test(name) && !name.startsWith('.'))
    .map((name) => join(directory, name));
}

/** The resources in a file. Throws UnreadableFileError, or for invalid YAML an Error whose message contains no file content. */
export function readResourceFile(file: string): ResourceFile[] {
  return parseResources(readBoundedText(file));
}

/** The resources in a YAML text. Throws an Error for invalid YAML, whose message contains no content of the text. */
export function parseResources(text: string): ResourceFile[] {
  return parseYamlMappings(text, LIMITS).map((resource) => ({
    kind: String(resource.kind),
    name: String(asMapping(resource.metadata).name ?? ''),
    resource,
  }));
}

/**
 * The resources of the given kinds in the `.yaml` and `.yml` files of a directory, sorted by file name; none if the directory
 * does not exist. Skips a file that is not YAML, not a regular file or deleted meanwhile. Throws UnreadableFileError for an
 * unreadable file that may contain such a resource, and for an unreadable directory.
 */
export function readResources(directory: string, kinds: readonly string[]): ResourceFile[] {
  return listResourceFiles(directory)
    .flatMap((file) => readIfYaml(file, kinds))
    .filter(({ kind }) => kinds.includes(kind));
}

/**
 * All resources in a file; none if the file is not YAML, not a regular file or deleted meanwhile. Throws UnreadableFileError for
 * an unreadable file that may contain a resource of one of these kinds.
 */
export function readIfYaml(file: string, kinds: readonly string[]): ResourceFile[] {
  try {
    return readResourceFile(file);
  } catch (error) {
    if (hidesResource(error, file, kinds)) throw error;
    return [];
  }
}

/**
 * True if an unreadable file may contain a resource of one of these kinds; `error` is the failure of the read. A file named
 * `<Kind>-<name>.yaml` contains only that kind; a pipe or a device contains none.
 */
export function hidesResource(error: unknown, file: string, kinds: readonly string[]): boolean {
  if (!(error instanceof UnreadableFileError) || error.code === undefined || NO_FILE.has(error.code)) {
    return false;
  }
  const kind = NAMED_KIND.exec(basename(file))?.[1];
  return kind === undefined || kinds.includes(kind);
}
