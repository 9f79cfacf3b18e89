import { asMapping, type YamlMapping } from '../../../files/yaml-documents.js';

/** What Skupper's controller says of a Link. */
export interface LinkState {
  /** The router has been told of it. */
  readonly isConfigured: boolean;
  /** The router is connected by it. */
  readonly isReady: boolean;
  /** One word. */
  readonly status: string | undefined;
  readonly message: string | undefined;
  readonly remoteSite: string | undefined;
}

/** Reads the status of a Link. */
export function linkState(link: YamlMapping): LinkState {
  const { conditions, status, message, remoteSiteName } = asMapping(link.status);
  const holds = (type: string) =>
    (Array.isArray(conditions) ? conditions : [])
      .map(asMapping)
      .some((condition) => condition.type === type && condition.status === 'True');
  const isReady = holds('Ready') || (holds('Configured') && holds('Operational'));
  return {
    isConfigured: isReady || holds('Configured'),
    isReady,
    status: wordOf(status),
    message: wordOf(message),
    remoteSite: wordOf(remoteSiteName),
  };
}

function wordOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
