import { join } from 'node:path';
import { readBoundedText } from '../../files/bounded-text.js';
import { parseYamlMappings } from '../../files/yaml-documents.js';
import type { NamespaceDirectories } from './skupper-home.js';

const LIMITS = { length: 64 * 1024, documents: 1 };

/** The platform that a namespace was started on, in Skupper's word; undefined before its first start. */
export function startedPlatform({ internal }: NamespaceDirectories): string | undefined {
  try {
    const [noted] = parseYamlMappings(readBoundedText(join(internal, 'platform.yaml')), LIMITS);
    return typeof noted?.platform === 'string' ? noted.platform : undefined;
  } catch {
    return undefined;
  }
}
