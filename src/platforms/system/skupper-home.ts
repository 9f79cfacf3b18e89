import { join } from 'node:path';
import { isNamespace } from '../../domain/names.js';
import { namesIn } from '../../files/directory-names.js';

/** Paths of one namespace of Skupper's system sites (Podman, Docker, Linux). */
export interface NamespaceDirectories {
  readonly namespace: string;
  /** Where people and tools put resources. */
  readonly inputResources: string;
  /** CAs that people give. */
  readonly inputIssuers: string;
  /** What Skupper made of the input when the site was started last. */
  readonly runtimeResources: string;
  readonly runtimeIssuers: string;
  readonly runtimeCertificates: string;
  /** What Skupper noted at the first start. */
  readonly internal: string;
}

/** Skupper's data directory with its `namespaces/`. */
export class SkupperHome {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  namespace(namespace: string): NamespaceDirectories {
    const directory = join(this.directory, 'namespaces', namespace);
    return {
      namespace,
      inputResources: join(directory, 'input', 'resources'),
      inputIssuers: join(directory, 'input', 'issuers'),
      runtimeResources: join(directory, 'runtime', 'resources'),
      runtimeIssuers: join(directory, 'runtime', 'issuers'),
      runtimeCertificates: join(directory, 'runtime', 'certs'),
      internal: join(directory, 'internal'),
    };
  }

  /** Names of the namespaces that are there, sorted. Throws UnreadableFileError. */
  namespaces(): string[] {
    return namesIn(join(this.directory, 'namespaces')).filter(isNamespace);
  }
}
