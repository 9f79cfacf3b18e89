import type { Settings } from '../../config/setting-schemas.js';
import { DAY_MS } from '../../domain/duration.js';
import { formatTime } from '../../domain/rfc3339.js';
import { findUndelivered } from '../../redemption/notifying/undelivered.js';
import {
  readWebhookStates,
  receiverOf,
  type WebhookState,
} from '../../redemption/notifying/webhook-states.js';
import type { DatabaseStore } from '../../redemption/ports/database-store.js';
import type { WebhookStore } from '../../redemption/ports/webhook-store.js';
import { type Check, ok, warn } from './doctor-check.js';

// After a crash another process delivers within this time. An event that has waited longer is therefore delayed.
const IN_PROGRESS_MS = 30_000;

/**
 * Reports since when an event waits for each webhook receiver in the settings, and the last failure. If the settings name none,
 * reports on the receivers to which a service delivered, or failed to deliver, within a day before `now`.
 */
export async function webhookChecks(
  { store, webhooks }: { readonly store: DatabaseStore; readonly webhooks: WebhookStore },
  { webhook }: Pick<Settings, 'webhook'>,
  now: number,
): Promise<Check[]> {
  const configured = webhook?.map(({ href }) => receiverOf(href).urlSha256);
  const states = (await readWebhookStates(store)).filter(({ urlSha256, statesUntil, lastFailure }) =>
    configured ? configured.includes(urlSha256) : now - Math.max(statesUntil, lastFailure?.at ?? 0) < DAY_MS,
  );
  const checks: Check[] = [];
  for (const state of states)
    checks.push(webhookCheck(state, await findUndelivered(state, { webhooks, links: store, now }), now));
  return checks;
}

function webhookCheck(
  { maskedUrl, failures, lastFailure }: WebhookState,
  undelivered: number | undefined,
  now: number,
): Check {
  const name = `webhook ${maskedUrl}`;
  const last =
    lastFailure && `; the last failure was at ${formatTime(lastFailure.at)}: ${lastFailure.reason}`;
  if (undelivered === undefined) return ok(name, `no event waits for it${last ?? ''}`);
  const waits = `the event of ${formatTime(undelivered)} waits for it`;
  if (failures > 0) {
    const attempts = failures === 1 ? '1 attempt' : `${failures} attempts`;
    return warn(
      name,
      `${waits}; ${attempts} failed${last}`,
      'correct the receiver: the service sends the events again',
    );
  }
  if (now - undelivered < IN_PROGRESS_MS)
    return ok(name, `${waits}, for less than ${IN_PROGRESS_MS / 1000} seconds`);
  return warn(
    name,
    `${waits}, and no attempt has failed: the receiver responds too slowly, or no service sends events${last ?? ''}`,
    'start the service if it does not run; else make the receiver respond faster',
  );
}
