import { linkProxy } from '../../compose/token-redemption.js';
import { isHost } from '../../config/host-port.js';
import { formatHostPort } from '../../domain/host-port-text.js';
import { isResourceName } from '../../domain/names.js';
import type { UnreadableFileError } from '../../files/file-error.js';
import { parseYamlMappings, type YamlMapping } from '../../files/yaml-documents.js';
import type { LinkProxy } from '../../redemption/ports/link-files.js';
import { usageError } from '../terminal/command-error.js';
import { readExternalText } from '../terminal/external-text.js';

const LIMITS = { length: 64 * 1024, documents: 1 };

/** Parses a Secret. Returns a string with the reason if it describes no proxy. */
function parseProxySecret(text: string): LinkProxy | string {
  let secret: YamlMapping | undefined;
  try {
    [secret] = parseYamlMappings(text, LIMITS);
  } catch (error) {
    return (error as Error).message;
  }
  if (secret?.kind !== 'Secret') return 'its kind is not Secret';
  const proxy = linkProxy(secret);
  if (!proxy) return 'its host or its port is missing';
  const { name, host, port } = proxy;
  if (!isResourceName(name)) return 'its metadata.name is missing or not valid';
  if (!isHost(host)) return 'its host is neither a DNS name nor an IP address';
  if (!(Number(port) >= 1 && Number(port) <= 65_535)) return 'its port is not a number from 1 to 65535';
  return { ...proxy, port: String(Number(port)) };
}

/** Reads `--proxy-secret`; `signal` aborts the wait for a named pipe. Rejects with a CommandError. */
export async function readProxySecret(file: string, signal?: AbortSignal): Promise<LinkProxy> {
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
export function proxyUrl({ host, port, username, password }: LinkProxy): string {
  const authority = formatHostPort({ host, port });
  if (username === undefined) return `http://${authority}`;
  return `http://${encodeURIComponent(username)}:${encodeURIComponent(password ?? '')}@${authority}`;
}
