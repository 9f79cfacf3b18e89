import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isHost } from '../../config/host-port.js';
import { formatHostPort } from '../../domain/host-port-text.js';
import { MANAGED_BY } from '../../domain/labels.js';
import { isResourceName } from '../../domain/names.js';
import { encodeResource } from '../../domain/resource-encoding.js';
import { readBoundedText } from '../../files/bounded-text.js';
import type { UnreadableFileError } from '../../files/file-error.js';
import { asMapping, parseYamlMappings } from '../../files/yaml-documents.js';
import { usageError } from '../terminal/command-error.js';
import { readExternalText } from '../terminal/external-text.js';

const LIMITS = { length: 64 * 1024, documents: 1 };
const KEYS = ['host', 'password', 'port', 'username'] as const;

/** An HTTP proxy as Skupper's basic-auth Secret describes it (Link `spec.settings["proxy-configuration"]`). */
export interface ProxySecret {
  readonly name: string;
  readonly host: string;
  readonly port: string;
  readonly username?: string;
  readonly password?: string;
}

/** Parses a Secret. Returns a string with the reason if its `stringData` and `data` describe no proxy. */
function parseProxySecret(text: string): ProxySecret | string {
  let secret: Readonly<Record<string, unknown>> | undefined;
  try {
    [secret] = parseYamlMappings(text, LIMITS);
  } catch (error) {
    return (error as Error).message;
  }
  if (secret?.kind !== 'Secret') return 'its kind is not Secret';
  const { name } = asMapping(secret.metadata);
  if (typeof name !== 'string' || !isResourceName(name)) return 'its metadata.name is missing or not valid';
  const values: Partial<Record<(typeof KEYS)[number], string>> = {};
  for (const key of KEYS) {
    const plain = asMapping(secret.stringData)[key];
    const encoded = asMapping(secret.data)[key];
    if (plain !== undefined) values[key] = String(plain);
    else if (typeof encoded === 'string') values[key] = Buffer.from(encoded, 'base64').toString().trim();
  }
  const { host, port, username, password } = values;
  if (host === undefined || !isHost(host)) return 'its host is neither a DNS name nor an IP address';
  if (!(Number(port) >= 1 && Number(port) <= 65_535)) return 'its port is not a number from 1 to 65535';
  return {
    name,
    host,
    port: String(Number(port)),
    ...(username && { username }),
    ...(password && { password }),
  };
}

/** Reads `--proxy-secret`; `signal` aborts the wait for a named pipe. Rejects with a CommandError. */
export async function readProxySecret(file: string, signal?: AbortSignal): Promise<ProxySecret> {
  let reason: string;
  try {
    const secret = parseProxySecret(await readExternalText(file, signal));
    if (typeof secret !== 'string') return secret;
    reason = secret;
  } catch (error) {
    reason = `it cannot be read: ${(error as UnreadableFileError).reason}`;
  }
  throw usageError(
    `--proxy-secret ${file} cannot be used: ${reason}`,
    'use a file with a kubernetes.io/basic-auth Secret: host, port and, if the proxy requires them, username and password',
  );
}

/** Returns the URL of a proxy for CONNECT, with the password. */
export function proxyUrl({ host, port, username, password }: ProxySecret): string {
  const authority = formatHostPort({ host, port });
  if (username === undefined) return `http://${authority}`;
  return `http://${encodeURIComponent(username)}:${encodeURIComponent(password ?? '')}@${authority}`;
}

/** Returns the values of the Secret in base64. */
export function proxySecretData(secret: ProxySecret): Readonly<Record<string, string>> {
  return Object.fromEntries(
    KEYS.flatMap((key) => {
      const value = secret[key];
      return value === undefined ? [] : [[key, Buffer.from(value).toString('base64')]];
    }),
  );
}

/** Returns the file of the Secret that linkgrant writes into the directory of the Links. */
function proxySecretText(secret: ProxySecret, namespace: string | undefined): string {
  return encodeResource({
    apiVersion: 'v1',
    data: proxySecretData(secret),
    kind: 'Secret',
    metadata: { labels: { [MANAGED_BY]: 'linkgrant' }, name: secret.name, namespace },
    type: 'kubernetes.io/basic-auth',
  });
}

/** Returns the proxy's Secret to write into a directory; undefined if the directory already contains it. */
export function proxySecretFor(
  directory: string,
  proxy: ProxySecret | undefined,
  namespace: string | undefined,
) {
  if (!proxy) return undefined;
  const file = join(directory, `Secret-${proxy.name}.yaml`);
  const existing = existsSync(file) ? parseProxySecret(readBoundedText(file)) : undefined;
  if (JSON.stringify(existing) === JSON.stringify(proxy)) return undefined;
  return { name: proxy.name, text: proxySecretText(proxy, namespace) };
}
