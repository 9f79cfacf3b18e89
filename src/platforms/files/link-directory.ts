import { rmSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Document } from 'yaml';
import type { LinkSecret } from '../../domain/link.js';
import { readBoundedText } from '../../files/bounded-text.js';
import { syncDirectory, writePrivateFile } from '../../files/private-file.js';
import type { LinkChanges, LinkFiles } from '../../redemption/ports/link-files.js';
import { documentsText, editableDocuments, setFields } from './editable-documents.js';
import { linkProxy, linkSecret, storedLink } from './link-resource.js';
import { withWriteErrors } from './not-writable.js';
import { isManaged } from './own-resource.js';
import { listResourceFiles, type ResourceFile, readIfYaml } from './resource-files.js';

type Kind = 'Link' | 'Secret';

/** A Link or Secret in a YAML file, with the index of its document and the number of documents. */
interface Place extends ResourceFile {
  readonly file: string;
  readonly index: number;
  readonly count: number;
}

const KINDS: readonly string[] = ['Link', 'Secret'] satisfies Kind[];

/**
 * The Links and Secrets in the YAML files of a directory: the files that redemption writes, `Link-<name>.yaml` and
 * `Secret-<name>.yaml`, and those of users. A missing directory has none. Files that are not YAML are skipped. Methods reject
 * with UnreadableFileError for a file that cannot be read, and with RedemptionError `not_writable` for a failed write.
 * `beforeChange` is called before each change of a file, with the name of the Link if the change deletes one.
 */
export function linkDirectory(
  directory: string,
  beforeChange: (removedLink?: string) => void = () => {},
): LinkFiles {
  const places = (kind: Kind) =>
    listResourceFiles(directory)
      .flatMap(placesIn)
      .filter((place) => place.kind === kind);
  const find = (kind: Kind, name: string) => places(kind).find((place) => place.name === name);
  return {
    list: async () =>
      places('Link')
        .map(({ file, resource }) => storedLink(resource, file))
        .sort((a, b) => (a.name < b.name ? -1 : 1)),
    findSecret: async (name) => {
      const place = find('Secret', name);
      return place && { ...linkSecret(place.resource), place: place.file };
    },
    explainMissingSecret: async (name) => {
      const file = listResourceFiles(directory).find((path) => basename(path) === `Secret-${name}.yaml`);
      return file === undefined
        ? `Secret "${name}" does not exist`
        : `Secret "${name}" cannot be read: ${file} is not a YAML file that contains it`;
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
      withWriteErrors(place.file, () => rewrite(place, (document) => changeLink(document, changes)));
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
  const files = listResourceFiles(directory).filter((file) => !except.includes(file));
  return files.find((file) => {
    try {
      return placesIn(file).some((place) => place.name === name);
    } catch {
      return false;
    }
  });
}

function placesIn(file: string): Place[] {
  const resources = readIfYaml(file, KINDS);
  return resources
    .map((resource, index) => ({ ...resource, file, index, count: resources.length }))
    .filter(({ kind }) => KINDS.includes(kind));
}

function changeLink(document: Document, { cost, tlsCredentials }: LinkChanges): void {
  if (cost !== undefined) document.setIn(['spec', 'cost'], cost);
  if (tlsCredentials !== undefined) document.setIn(['spec', 'tlsCredentials'], tlsCredentials);
}

function changeCredentials(
  document: Document,
  { caCrt, tlsCrt, tlsKey = '', annotations = {} }: LinkSecret,
): void {
  const pems = { 'ca.crt': caCrt, 'tls.crt': tlsCrt, 'tls.key': tlsKey };
  const data = Object.fromEntries(
    Object.entries(pems).map(([key, pem]) => [key, Buffer.from(pem).toString('base64')]),
  );
  setFields(document, [], { data, metadata: { annotations } }, document.toJS());
}

function rewrite({ file, index }: Place, edit: (document: Document) => void): void {
  const documents = editableDocuments(readBoundedText(file));
  const document = documents[index];
  if (document) edit(document);
  writePrivateFile(file, documentsText(documents));
}

function removeFrom({ file, index, count }: Place): void {
  if (count > 1) {
    const others = editableDocuments(readBoundedText(file)).filter((_, position) => position !== index);
    writePrivateFile(file, documentsText(others));
    return;
  }
  rmSync(file, { force: true });
  syncDirectory(dirname(file));
}
