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
  sweepStaleFiles,
  writeBeside,
  writePrivateFile,
} from '../../files/private-file.js';
import { parseYamlMappings, type YamlMapping } from '../../files/yaml-documents.js';
import type { LinkProxy } from '../../redemption/ports/link-files.js';
import type { Materializer } from '../../redemption/ports/materializer.js';
import { withFields } from './editable-documents.js';
import { fileHolding } from './link-directory.js';
import { linkProxy, proxyResource } from './link-resource.js';
import { withWriteErrors } from './not-writable.js';
import {
  isExpiredSecret,
  isOfSameRedemption,
  linkInPlace,
  mayReplace,
  type OwnRedemption,
  placeTakenError,
  refuseProxyName,
  renewedIn,
} from './own-resource.js';

const LIMITS = { documents: 1 };
const OWN_FILE = /^(Secret|Link)-.*\.yaml$/;

// File systems allow 255 bytes, which include `.Secret-`, the number of a group and the suffix of a temporary file.
const MAX_NAME_LENGTH = 200;

// More than a Secret and a Link need. Writing this much detects a full disk before the token is posted.
const ROOM_BYTES = 64 * 1024;

/** Options for the files of {@link directoryMaterializer}. */
export interface DirectoryOptions {
  /** `metadata.namespace` of the resources; absent for none. */
  readonly namespace?: string | undefined;
  /** The proxy that the Links use. Its Secret is written first, unless the directory contains it already. */
  readonly proxy?: LinkProxy | undefined;
  /** Called before the first file that differs is written. */
  readonly beforeChange?: () => void;
}

/**
 * Writes the files of a link into a directory (created with 0700 if absent): `Secret-<name>.yaml`, then `Link-<name>.yaml`
 * for each Link, each 0600 and replaced atomically. Retains a renewed Secret, and the changes and additions that a user made.
 * The `clock` determines which certificates have expired, and the age of left-over temporary files.
 */
export function directoryMaterializer(
  directory: string,
  clock: () => number,
  directoryOptions: DirectoryOptions = {},
): Materializer {
  const secretFile = (name: string) => join(directory, `Secret-${name}.yaml`);
  const linkFile = (name: string) => join(directory, `Link-${name}.yaml`);
  const { namespace, proxy } = directoryOptions;
  const options = { managed: true, namespace };
  const proxyFiles = (): WantedFile[] => {
    if (!proxy) return [];
    const file = secretFile(proxy.name);
    const present = parseResource(readExisting(file));
    if (present?.kind === 'Secret' && isDeepStrictEqual(linkProxy(present), proxy)) return [];
    const text = encodeResource(proxyResource(proxy, namespace));
    return [{ file, text, checkpointName: 'proxy-secret-written' }];
  };
  return {
    probe: async (name) => {
      if (name.length > MAX_NAME_LENGTH) {
        throw new RedemptionError(
          'not_writable',
          `A link name can have at most ${MAX_NAME_LENGTH} characters, because it is part of file names.`,
        );
      }
      refuseProxyName(name, proxy?.name);
      const files = [secretFile(name), linkFile(name)];
      const present = parseResource(readExisting(secretFile(name)));
      // An expired Secret may be replaced. Whether the Link may be replaced too is checked when it is written.
      const isReplaceable = present !== undefined && isExpiredSecret(present, clock());
      const occupiedFile =
        (isReplaceable ? undefined : files.find((file) => existsSync(file))) ??
        withWriteErrors(directory, () => fileHolding(directory, name, files));
      if (occupiedFile !== undefined) throw placeTakenError(occupiedFile);
      for (const file of proxyFiles()) requireOwnFile(file);
      prepareDirectory(directory, clock());
      withWriteErrors(directory, () =>
        rmSync(writeBeside(join(directory, 'Secret-.yaml'), ' '.repeat(ROOM_BYTES))),
      );
    },
    findRenewed: async (secret) => renewedIn(parseResource(readExisting(secretFile(secret.name))), secret),
    materialize: async (secret, links, checkpoint, overrides = {}) => {
      refuseProxyName(secret.name, proxy?.name);
      const id = secret.annotations?.[SECRET_REDEMPTION_ID];
      const presentText = readExisting(secretFile(secret.name));
      const presentSecret = parseResource(presentText);
      const redemption = { id, secret, presentSecret, now: clock() };
      const renewedText = renewedIn(presentSecret, secret) && presentText;
      const secretText =
        renewedText ?? mergedText(presentText, linkSecretResource(secret, options), redemption);
      const linkText = (link: Link) => {
        const present = readExisting(linkFile(link.name));
        const wanted = mergeLink(link, linkInPlace(parseResource(present), redemption), overrides);
        return mergedText(present, linkResource(wanted, secret, options), redemption);
      };
      const files: WantedFile[] = [
        { file: secretFile(secret.name), text: secretText, checkpointName: 'secret-written' },
        ...links.map((link) => ({
          file: linkFile(link.name),
          text: linkText(link),
          checkpointName: 'link-written',
        })),
      ];
      for (const file of files) requireOwnFile(file, redemption);
      const proxies = proxyFiles();
      for (const file of proxies) requireOwnFile(file);
      prepareDirectory(directory, clock());
      const all = [...proxies, ...files];
      const changed = all.filter(({ file, text }) => readExisting(file) !== text).map(({ file }) => file);
      if (changed.length > 0) {
        directoryOptions.beforeChange?.();
        await checkpoint('before-write');
      }
      for (const { file, text, checkpointName } of all) {
        withWriteErrors(file, () => {
          if (readExisting(file) !== text) writePrivateFile(file, text);
        });
        await checkpoint(checkpointName);
      }
      return { written: all.map(({ file }) => file), changed };
    },
  };
}

interface WantedFile {
  readonly file: string;
  readonly text: string;
  /** Name of the checkpoint after the write. */
  readonly checkpointName: string;
}

function readExisting(file: string): string | undefined {
  return withWriteErrors(file, () => (existsSync(file) ? readBoundedText(file) : undefined));
}

function parseResource(text: string | undefined): YamlMapping | undefined {
  try {
    return text === undefined ? undefined : parseYamlMappings(text, LIMITS)[0];
  } catch {
    return undefined;
  }
}

/**
 * The text of a file with the wanted resource. Retains the `present` text if its content is equal. If the present resource is
 * of the same redemption and has other fields, sets the wanted fields in it, and retains its other fields and comments. In all
 * other cases the wanted resource replaces it.
 */
function mergedText(present: string | undefined, wanted: ResourceFields, redemption: OwnRedemption): string {
  const text = encodeResource(wanted);
  if (present === undefined) return text;
  if (isEqualYaml(present, text)) return present;
  if (!isOfSameRedemption(parseResource(present), redemption)) return text;
  const merged = withFields(present, wanted);
  return isEqualYaml(merged, text) ? text : merged;
}

function isEqualYaml(text: string, other: string): boolean {
  return text === other || isDeepStrictEqual(parseResource(text) ?? text, parseResource(other) ?? other);
}

/** Throws `place_taken` if the file exists with another text, unless `redemption` may replace it. */
function requireOwnFile({ file, text }: WantedFile, redemption?: OwnRedemption): void {
  const present = readExisting(file);
  if (present === undefined || present === text) return;
  const resource = parseResource(present);
  if (!redemption || !resource || !mayReplace(resource, redemption)) throw placeTakenError(file);
}

/** Creates `directory` if it is absent, and deletes temporary files of interrupted runs. */
function prepareDirectory(directory: string, now: number): void {
  const dangling = danglingLink(resolve(directory));
  if (dangling !== undefined) {
    throw new RedemptionError(
      'not_writable',
      `${dangling} is a symbolic link to a missing target; create the target, or remove the symbolic link.`,
    );
  }
  withWriteErrors(directory, () => {
    makePrivateDirectory(directory);
    sweepStaleFiles(directory, now, (name) => OWN_FILE.test(name));
  });
}

/** The dangling symbolic link in an absolute path; undefined if there is none. */
function danglingLink(path: string): string | undefined {
  // Determines first what the path is: a concurrent run may create it as a directory at any time.
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats) return stats.isSymbolicLink() && !existsSync(path) ? path : undefined;
  return dirname(path) === path ? undefined : danglingLink(dirname(path));
}
