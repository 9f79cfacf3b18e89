import { join } from 'node:path';
import { readBoundedText } from '../../files/bounded-text.js';
import { parseYamlMappings } from '../../files/yaml-documents.js';
import type { NamespaceDirectories } from './skupper-home.js';

const LIMITS = { length: 64 * 1024, documents: 1 };

/** The platform on which a namespace was started, by Skupper's name; undefined before its first start. */
export function startedPlatform({ internal }: NamespaceDirectories): string | undefined {
  try {
    const [record] = parseYamlMappings(readBoundedText(join(internal, 'platform.yaml')), LIMITS);
    return typeof record?.platform === 'string' ? record.platform : undefined;
  } catch {
    return undefined;
  }
}
