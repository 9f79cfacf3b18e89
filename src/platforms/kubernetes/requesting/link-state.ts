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
  readonly remoteSiteId: string | undefined;
  /** `status.conditions`, as the resource has them. */
  readonly conditions: readonly YamlMapping[];
}

/** Reads the status of a Link. */
export function linkState(link: YamlMapping): LinkState {
  const { status, message, remoteSiteName, remoteSiteId, ...rest } = asMapping(link.status);
  const conditions = (Array.isArray(rest.conditions) ? rest.conditions : []).map(asMapping);
  const holds = (type: string) =>
    conditions.some((condition) => condition.type === type && condition.status === 'True');
  const isReady = holds('Ready') || (holds('Configured') && holds('Operational'));
  return {
    isConfigured: isReady || holds('Configured'),
    isReady,
    status: wordOf(status),
    message: wordOf(message),
    remoteSite: wordOf(remoteSiteName),
    remoteSiteId: wordOf(remoteSiteId),
    conditions,
  };
}

function wordOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
