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

// 255 bytes are left by file systems, some of them taken by `.Secret-`, a group's number and a temporary file's ending.
const LONGEST_NAME = 200;

// More than a Secret and a Link take: a full disk is to be met while nothing is posted yet.
const ROOM_BYTES = 64 * 1024;

/** How a directory is materialized into, beyond the files themselves. */
export interface DirectoryPlacing {
  /** Namespace that the resources say they are in; absent for none. */
  readonly namespace?: string | undefined;
  /** A Secret that the Links name (the proxy's), put in place before all else: its name and its text. */
  readonly besides?: { readonly name: string; readonly text: string } | undefined;
  /** Called before the first file that differs is written. */
  readonly beforeChange?: () => void;
}

/**
 * Materializes into a directory (made 0700 if there is none): `Secret-<name>.yaml`, then `Link-<name>.yaml` of each Link,
 * 0600, each replaced at once; a renewed Secret is retained, and so are a user's changes of a Link and additions to either.
 * The `clock` determines which certificates have ended, and the age of left-over temporary files.
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
      if (name.length > LONGEST_NAME) {
        throw new RedemptionError(
          'not_writable',
          `A link name of more than ${LONGEST_NAME} characters fits no file name.`,
        );
      }
      refuseProxyName(name, besides?.name);
      const secretThere = parsed(existing(fileOf('Secret', name)));
      // What has ended may be replaced; whether its Link is of it is judged once there is something to replace it with.
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
        if (there === undefined || saysTheSame(there, text)) return there ?? text;
        const merged = isOfSameRedemption(parsed(there), redemption) ? withFields(there, wanted) : text;
        return saysTheSame(merged, text) ? text : merged;
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

/** True when two texts of YAML say the same. */
function saysTheSame(text: string, other: string): boolean {
  return text === other || isDeepStrictEqual(parsed(text) ?? text, parsed(other) ?? other);
}

/** The Secrets of the link and of its proxy are two. */
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

/** Makes `directory` if there is none, and removes what runs that died have left in it. */
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

/** The symbolic link in an absolute path that leads nowhere; undefined if there is none. */
function danglingLink(path: string): string | undefined {
  if (existsSync(path) || dirname(path) === path) return undefined;
  return lstatSync(path, { throwIfNoEntry: false }) ? path : danglingLink(dirname(path));
}
