import { asMapping, type YamlMapping } from '../../../files/yaml-documents.js';

/** The status of a Link, which Skupper's controller writes. */
export interface LinkState {
  /** The router has the configuration of the link. */
  readonly isConfigured: boolean;
  /** The router is connected over the link. */
  readonly isReady: boolean;
  /** `status.status`, one word. */
  readonly status: string | undefined;
  readonly message: string | undefined;
  readonly remoteSite: string | undefined;
  readonly remoteSiteId: string | undefined;
  /** `status.conditions`, unchanged. */
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
    status: textOf(status),
    message: textOf(message),
    remoteSite: textOf(remoteSiteName),
    remoteSiteId: textOf(remoteSiteId),
    conditions,
  };
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
