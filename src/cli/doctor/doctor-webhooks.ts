import type { Settings } from '../../config/setting-schemas.js';
import { DAY_MS } from '../../domain/duration.js';
import { formatTime } from '../../domain/rfc3339.js';
import {
  readWebhookStates,
  receiverOf,
  type WebhookState,
} from '../../redemption/notifying/webhook-states.js';
import type { GrantStore } from '../../redemption/ports/grant-store.js';
import { type Check, ok, warn } from './doctor-check.js';

/**
 * Reports the last failure of each webhook receiver in the settings. If the settings name none, reports on the receivers to which
 * a service delivered, or failed to deliver, within a day before `now`.
 */
export async function webhookChecks(
  store: Pick<GrantStore, 'getSetting'>,
  { webhook }: Pick<Settings, 'webhook'>,
  now: number,
): Promise<Check[]> {
  const configured = webhook?.map(({ href }) => receiverOf(href).urlSha256);
  return (await readWebhookStates(store))
    .filter(({ urlSha256, statesUntil, lastFailure }) =>
      configured
        ? configured.includes(urlSha256)
        : now - Math.max(statesUntil, lastFailure?.at ?? 0) < DAY_MS,
    )
    .map(webhookCheck);
}

function webhookCheck({ maskedUrl, failures, lastFailure }: WebhookState): Check {
  const name = `webhook ${maskedUrl}`;
  if (!lastFailure) return ok(name, 'it has accepted every event');
  const { at, reason, eventTime } = lastFailure;
  const last = `the last failure was at ${formatTime(at)}: ${reason}`;
  if (failures === 0) return ok(name, `it has accepted every event; ${last}`);
  const attempts = failures === 1 ? '1 attempt' : `${failures} attempts`;
  return warn(
    name,
    `it has not accepted the event of ${formatTime(eventTime)} yet; ${attempts} failed, ${last}`,
    'correct the receiver: the service sends the events again',
  );
}
