import { join } from 'node:path';
import { isNamespace } from '../../domain/names.js';
import { readBoundedText } from '../../files/bounded-text.js';
import { namesIn } from '../../files/directory-names.js';
import { parseYamlMappings } from '../../files/yaml-documents.js';

/** Paths of one namespace of Skupper's system sites (Podman, Docker, Linux). */
export interface NamespaceDirectories {
  /** Resources that users and tools provide. */
  readonly inputResources: string;
  /** CAs that users provide. */
  readonly inputIssuers: string;
  /** The resources that Skupper generated from the input at the last start or reload. */
  readonly runtimeResources: string;
  readonly runtimeIssuers: string;
  readonly runtimeCertificates: string;
  /** Skupper's own records, such as the platform of the first start. */
  readonly internal: string;
}

/** Skupper's data directory with its `namespaces/`. */
export class SkupperHome {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  /** The paths of a namespace, which need not exist. */
  namespace(namespace: string): NamespaceDirectories {
    const directory = join(this.directory, 'namespaces', namespace);
    return {
      inputResources: join(directory, 'input', 'resources'),
      inputIssuers: join(directory, 'input', 'issuers'),
      runtimeResources: join(directory, 'runtime', 'resources'),
      runtimeIssuers: join(directory, 'runtime', 'issuers'),
      runtimeCertificates: join(directory, 'runtime', 'certs'),
      internal: join(directory, 'internal'),
    };
  }

  /** Names of the existing namespaces, sorted. Throws UnreadableFileError. */
  namespaces(): string[] {
    return namesIn(join(this.directory, 'namespaces')).filter(isNamespace);
  }
}

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
