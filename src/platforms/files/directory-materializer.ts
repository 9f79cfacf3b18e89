import { existsSync, lstatSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { SECRET_REDEMPTION_ID } from '../../domain/labels.js';
import { type Link, mergeLink } from '../../domain/link.js';
import { linkResource, linkSecretResource } from '../../domain/link-resources.js';
import { RedemptionError } from '../../domain/redemption-error.js';
import { encodeResource, type ResourceFields } from '../../domain/resource-encoding.js';
import { readBoundedText } from '../../files/bounded-text.js';
import {
  makePrivateDirectory,
  sweepBeside,
  writeBeside,
  writePrivateFile,
} from '../../files/private-file.js';
import { parseYamlMappings, type YamlMapping } from '../../files/yaml-documents.js';
import type { Materializer } from '../../redemption/ports/materializer.js';
import { withFields } from './editable-documents.js';
import { fileHolding } from './link-directory.js';
import { writing } from './not-writable.js';
import { isEndedSecret, isOfSameRedemption, isOurs, linkInPlace, renewedIn } from './own-resource.js';

const LIMITS = { length: 1024 * 1024, documents: 1 };
const OWN_FILE = /^(Secret|Link)-.*\.yaml$/;

// File systems allow 255 bytes, which include `.Secret-`, the number of a group and the suffix of a temporary file.
const MAX_NAME_LENGTH = 200;

// More than a Secret and a Link need: a full disk must be found before the token is posted.
const ROOM_BYTES = 64 * 1024;

/** Options for the files of {@link directoryMaterializer}. */
export interface DirectoryPlacing {
  /** `metadata.namespace` of the resources; absent for none. */
  readonly namespace?: string | undefined;
  /** Name and text of the proxy's Secret, to which the Links refer. It is written first. */
  readonly besides?: { readonly name: string; readonly text: string } | undefined;
  /** Called before the first file that differs is written. */
  readonly beforeChange?: () => void;
}

/**
 * Writes the files of a link into a directory (created with 0700 if absent): `Secret-<name>.yaml`, then `Link-<name>.yaml` for
 * each Link, each 0600 and replaced atomically. Retains a renewed Secret, and the changes and additions that a user made. The
 * `clock` determines which certificates have expired, and the age of left-over temporary files.
 */
export function directoryMaterializer(
  directory: string,
  clock: () => number,
  placing: DirectoryPlacing = {},
): Materializer {
  const fileOf = (kind: 'Secret' | 'Link', name: string) => join(directory, `${kind}-${name}.yaml`);
  const { namespace, besides } = placing;
  const options = { managed: true, namespace };
  return {
    probe: async (name) => {
      if (name.length > MAX_NAME_LENGTH) {
        throw new RedemptionError(
          'not_writable',
          `A link name of more than ${MAX_NAME_LENGTH} characters fits no file name.`,
        );
      }
      refuseProxyName(name, besides?.name);
      const secretThere = parsed(existing(fileOf('Secret', name)));
      // An expired Secret may be replaced. Whether the Link belongs to it is checked when the replacement is there.
      if (secretThere === undefined || !isEndedSecret(secretThere, clock())) {
        for (const kind of ['Secret', 'Link'] as const) {
          if (existsSync(fileOf(kind, name))) throw occupied(fileOf(kind, name));
        }
      }
      const own = [fileOf('Secret', name), fileOf('Link', name)];
      const elsewhere = writing(directory, () => fileHolding(directory, name, own));
      if (elsewhere !== undefined) throw occupied(elsewhere);
      if (besides) refuseOther(fileOf('Secret', besides.name), besides.text);
      prepareDirectory(directory, clock());
      writing(directory, () => rmSync(writeBeside(join(directory, 'Secret-.yaml'), ' '.repeat(ROOM_BYTES))));
    },
    findRenewed: async (secret) => renewedIn(parsed(existing(fileOf('Secret', secret.name))), secret),
    materialize: async (secret, links, checkpoint, overrides = {}) => {
      refuseProxyName(secret.name, besides?.name);
      const id = secret.annotations?.[SECRET_REDEMPTION_ID];
      const secretText = existing(fileOf('Secret', secret.name));
      const secretThere = parsed(secretText);
      const renewedThere = renewedIn(secretThere, secret) && secretText;
      const redemption = { id, secret, secretThere, now: clock() };
      const textOf = (there: string | undefined, wanted: ResourceFields) => {
        const text = encodeResource(wanted);
        if (there === undefined || isEqualYaml(there, text)) return there ?? text;
        const merged = isOfSameRedemption(parsed(there), redemption) ? withFields(there, wanted) : text;
        return isEqualYaml(merged, text) ? text : merged;
      };
      const linkText = (link: Link) => {
        const there = existing(fileOf('Link', link.name));
        const wanted = mergeLink(link, linkInPlace(parsed(there), redemption), overrides);
        return textOf(there, linkResource(wanted, secret, options));
      };
      const files = [
        {
          file: fileOf('Secret', secret.name),
          text: renewedThere ?? textOf(secretText, linkSecretResource(secret, options)),
          written: 'secret-written',
        },
        ...links.map((link) => ({
          file: fileOf('Link', link.name),
          text: linkText(link),
          written: 'link-written',
        })),
      ];
      for (const { file, text } of files) {
        const there = existing(file);
        if (there === undefined || there === text) continue;
        const resource = parsed(there);
        if (!resource || !isOurs(resource, redemption)) throw occupied(file);
      }
      const proxy = besides && { file: fileOf('Secret', besides.name), text: besides.text };
      if (proxy) refuseOther(proxy.file, proxy.text);
      prepareDirectory(directory, clock());
      const all = [...(proxy ? [{ ...proxy, written: 'proxy-secret-written' }] : []), ...files];
      if (all.some(({ file, text }) => existing(file) !== text)) {
        placing.beforeChange?.();
        await checkpoint('place-changing');
      }
      for (const { file, text, written } of all) {
        writing(file, () => {
          if (existing(file) !== text) writePrivateFile(file, text);
        });
        await checkpoint(written);
      }
      return all.map(({ file }) => file);
    },
  };
}

function existing(file: string): string | undefined {
  return writing(file, () => (existsSync(file) ? readBoundedText(file) : undefined));
}

function parsed(text: string | undefined): YamlMapping | undefined {
  try {
    return text === undefined ? undefined : parseYamlMappings(text, LIMITS)[0];
  } catch {
    return undefined;
  }
}

/** True if two YAML texts have the same content. */
function isEqualYaml(text: string, other: string): boolean {
  return text === other || isDeepStrictEqual(parsed(text) ?? text, parsed(other) ?? other);
}

/** Throws if the Secrets of the link and of its proxy would have the same name. */
function refuseProxyName(name: string, proxy: string | undefined): void {
  if (name !== proxy) return;
  throw new RedemptionError(
    'place_taken',
    `The Secret of the proxy is called "${name}" too, as the link's would be.`,
  );
}

function refuseOther(file: string, text: string): void {
  const there = existing(file);
  if (there !== undefined && there !== text) throw occupied(file);
}

function occupied(file: string): RedemptionError {
  return new RedemptionError('place_taken', `${file} is there already and is not of this redemption.`);
}

/** Creates `directory` if it is absent, and deletes temporary files of interrupted runs. */
function prepareDirectory(directory: string, now: number): void {
  const dangling = danglingLink(resolve(directory));
  if (dangling !== undefined) {
    throw new RedemptionError(
      'not_writable',
      `${dangling} is a symbolic link to a place that is not there; make that place, or remove the link.`,
    );
  }
  writing(directory, () => {
    makePrivateDirectory(directory);
    sweepBeside(directory, now, (name) => OWN_FILE.test(name));
  });
}

/** The dangling symbolic link in an absolute path; undefined if there is none. */
function danglingLink(path: string): string | undefined {
  if (existsSync(path) || dirname(path) === path) return undefined;
  return lstatSync(path, { throwIfNoEntry: false }) ? path : danglingLink(dirname(path));
}
