import { maskWebhookUrl } from '../domain/webhook-url.js';
import { maskStoreUrl } from './store-url.js';

/** Returns the value of a setting for output, with its credentials masked. */
export function maskSetting(key: string, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => maskSetting(key, item));
  if (key === 'store' && typeof value === 'string') return maskStoreUrl(value);
  // An environment variable holds a comma-separated list.
  if (key === 'webhook') return String(value).split(',').map(maskWebhookUrl).join(',');
  return value;
}
