import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Document } from 'yaml';
import type { LinkSecret } from '../../domain/link.js';
import { readBoundedText } from '../../files/bounded-text.js';
import { namesIn } from '../../files/directory-names.js';
import { syncDirectory, writePrivateFile } from '../../files/private-file.js';
import { asMapping, parseYamlMappings, type YamlMapping } from '../../files/yaml-documents.js';
import type { LinkChanges, LinkFiles } from '../../redemption/ports/link-files.js';
import { documentsText, editableDocuments } from './editable-documents.js';
import { hidesResource } from './hidden-resource.js';
import { linkProxy, linkSecret, storedLink } from './link-resource.js';
import { withWriteErrors } from './not-writable.js';
import { isManaged } from './own-resource.js';

type Kind = 'Link' | 'Secret';

/** A Link or Secret in a YAML file, with the index of its document and the number of documents. */
interface Place {
  readonly file: string;
  readonly kind: Kind;
  readonly name: string;
  readonly resource: YamlMapping;
  readonly index: number;
  readonly count: number;
}

const KINDS: readonly Kind[] = ['Link', 'Secret'];
const LIMITS = { length: 1024 * 1024, documents: 100 };

/**
 * The Links and Secrets in the YAML files of a directory: the files that redemption writes, `Link-<name>.yaml` and
 * `Secret-<name>.yaml`, and those of users. A missing directory has none. Files that are not YAML are skipped. Methods reject
 * with UnreadableFileError for a file that cannot be read. `beforeChange` is called before each change of a file, with the
 * name of a Link that is deleted.
 */
export function linkDirectory(
  directory: string,
  beforeChange: (removedLink?: string) => void = () => {},
): LinkFiles {
  const places = (kind: Kind) => readPlaces(directory).filter((place) => place.kind === kind);
  const find = (kind: Kind, name: string) => places(kind).find((place) => place.name === name);
  return {
    list: async () =>
      places('Link')
        .map(({ file, resource }) => storedLink(resource, file))
        .sort((a, b) => (a.name < b.name ? -1 : 1)),
    findSecret: async (name) => {
      const place = find('Secret', name);
      return place && linkSecret(place.resource);
    },
    findProxy: async (name) => {
      const place = find('Secret', name);
      return place && linkProxy(place.resource);
    },
    ownSecrets: async () =>
      places('Secret')
        .filter(({ resource }) => isManaged(resource))
        .map(({ name, resource }) => ({ name, isProxy: resource.type === 'kubernetes.io/basic-auth' })),
    update: async (name, changes) => {
      const place = find('Link', name);
      if (!place) return undefined;
      const { cost = 1, tlsCredentials } = storedLink(place.resource, place.file);
      const hasCost = (changes.cost ?? cost) === cost;
      if (hasCost && (changes.tlsCredentials ?? tlsCredentials) === tlsCredentials) return place.file;
      beforeChange();
      withWriteErrors(place.file, () => rewrite(place, (document) => change(document, changes)));
      return place.file;
    },
    replaceCredentials: async (name, expected, secret) => {
      const place = find('Secret', name);
      if (!place || linkSecret(place.resource).tlsCrt !== expected) return undefined;
      beforeChange();
      withWriteErrors(place.file, () => rewrite(place, (document) => changeCredentials(document, secret)));
      return place.file;
    },
    remove: async (kind, name) => {
      const place = find(kind, name);
      if (!place) return undefined;
      beforeChange(kind === 'Link' ? name : undefined);
      withWriteErrors(place.file, () => removeFrom(place));
      return place.file;
    },
  };
}

/** The first file in a directory, except those in `except`, with a Link or Secret of that name. Unreadable files are skipped. */
export function fileHolding(directory: string, name: string, except: readonly string[]): string | undefined {
  const files = yamlFilesIn(directory).filter((file) => !except.includes(file));
  return files.find((file) => {
    try {
      return placesIn(file).some((place) => place.name === name);
    } catch {
      return false;
    }
  });
}

function yamlFilesIn(directory: string): string[] {
  return namesIn(directory)
    .filter((name) => /\.ya?ml$/.test(name) && !name.startsWith('.'))
    .map((name) => join(directory, name));
}

function readPlaces(directory: string): Place[] {
  return yamlFilesIn(directory).flatMap(placesIn);
}

function placesIn(file: string): Place[] {
  let resources: YamlMapping[];
  try {
    resources = parseYamlMappings(readBoundedText(file), LIMITS);
  } catch (error) {
    if (hidesResource(error, file, KINDS)) throw error;
    return [];
  }
  return resources.flatMap((resource, index) => {
    const { kind, metadata } = resource;
    if (kind !== 'Link' && kind !== 'Secret') return [];
    const name = String(asMapping(metadata).name ?? '');
    return [{ file, kind, name, resource, index, count: resources.length }];
  });
}

function change(document: Document, { cost, tlsCredentials }: LinkChanges): void {
  if (cost !== undefined) document.setIn(['spec', 'cost'], cost);
  if (tlsCredentials !== undefined) document.setIn(['spec', 'tlsCredentials'], tlsCredentials);
}

function changeCredentials(
  document: Document,
  { caCrt, tlsCrt, tlsKey = '', annotations = {} }: LinkSecret,
): void {
  for (const [key, pem] of Object.entries({ 'ca.crt': caCrt, 'tls.crt': tlsCrt, 'tls.key': tlsKey })) {
    document.setIn(['data', key], Buffer.from(pem).toString('base64'));
  }
  for (const [key, value] of Object.entries(annotations)) {
    document.setIn(['metadata', 'annotations', key], value);
  }
}

function rewrite(place: Place, edit: (document: Document) => void): void {
  const documents = editableDocuments(readBoundedText(place.file));
  documents.forEach((document, index) => {
    if (index === place.index) edit(document);
  });
  writeDocuments(place.file, documents);
}

function removeFrom(place: Place): void {
  if (place.count > 1) {
    writeDocuments(
      place.file,
      editableDocuments(readBoundedText(place.file)).filter((_, index) => index !== place.index),
    );
    return;
  }
  rmSync(place.file, { force: true });
  syncDirectory(join(place.file, '..'));
}

function writeDocuments(file: string, documents: readonly Document[]): void {
  writePrivateFile(file, documentsText(documents));
}
