import { shownUrl } from '../../compose/webhooks.js';
import { formatTime } from '../../domain/rfc3339.js';
import { readWebhookStates, type WebhookState } from '../../redemption/notifying/webhook-states.js';
import type { GrantStore } from '../../redemption/ports/grant-store.js';
import { type Check, ok, warn } from './doctor-check.js';

/** Checks the webhook receivers that a service delivers to, by their last failures. */
export async function webhookChecks(store: Pick<GrantStore, 'getSetting'>): Promise<Check[]> {
  return (await readWebhookStates(store)).map(webhookCheck);
}

function webhookCheck({ url, failures, lastFailure }: WebhookState): Check {
  const name = `webhook ${shownUrl(url)}`;
  if (!lastFailure) return ok(name, 'it has accepted every event');
  const { at, reason, eventTime } = lastFailure;
  const last = `the last failure was at ${formatTime(at)}: ${reason}`;
  if (failures === 0) return ok(name, `it has accepted every event; ${last}`);
  const attempts = failures === 1 ? '1 attempt' : `${failures} attempts`;
  return warn(
    name,
    `it has accepted no event since ${formatTime(eventTime)}; ${attempts} failed, ${last}`,
    'correct the receiver: the service sends the events again',
  );
}
