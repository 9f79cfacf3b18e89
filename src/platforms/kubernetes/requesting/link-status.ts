import { asMapping, type YamlMapping } from '../../../files/yaml-documents.js';

/** The status of a Link, which Skupper's controller writes. */
export interface LinkStatus {
  /** The router has the configuration of the link. */
  readonly isConfigured: boolean;
  /** The router is connected over the link. */
  readonly isReady: boolean;
  /** `status.status`, the summary of the conditions, such as `Ready` or `Pending`. */
  readonly status: string | undefined;
  readonly message: string | undefined;
  readonly remoteSite: string | undefined;
  readonly remoteSiteId: string | undefined;
  /** `status.conditions`, unchanged. */
  readonly conditions: readonly YamlMapping[];
}

/** Reads the status of a Link. */
export function readLinkStatus(link: YamlMapping): LinkStatus {
  const { status, message, remoteSiteName, remoteSiteId, ...rest } = asMapping(link.status);
  const conditions = (Array.isArray(rest.conditions) ? rest.conditions : []).map(asMapping);
  const isTrue = (type: string) =>
    conditions.some((condition) => condition.type === type && condition.status === 'True');
  const isReady = isTrue('Ready') || (isTrue('Configured') && isTrue('Operational'));
  return {
    isConfigured: isReady || isTrue('Configured'),
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
