import { randomUUID } from 'node:crypto';
import type { LinkDialOptions } from '../../compose/links.js';
import type { AccessToken } from '../../domain/access-token.js';
import { RedemptionError } from '../../domain/redemption-error.js';
import { adviceFor } from '../terminal/exit-codes.js';
import { type Check, fail, ok } from './doctor-check.js';
import { routeChecks } from './doctor-route.js';

/** A token of no grant: the response of a service at this base URL shows that it answers. */
export function probeToken({ url, ca }: { readonly url: string; readonly ca: string }): AccessToken {
  return { name: 'doctor', url: `${url}/${randomUUID()}`, code: 'of no grant', ca };
}

/** Checks that the service answers at the URL in its tokens. */
export async function urlChecks(probe: AccessToken, options: LinkDialOptions): Promise<readonly Check[]> {
  const { checks, answer } = await routeChecks(probe, options, 'URL ');
  return answer === undefined ? checks : [...checks, answerCheck(answer)];
}

function answerCheck(answer: object | string): Check {
  const unknown =
    answer === 'stock' || (answer instanceof RedemptionError && answer.code === 'grant_unknown');
  if (unknown || !(answer instanceof RedemptionError))
    return ok('service', 'it answers at the URL of tokens');
  const { hint, exitCode } = adviceFor(answer.code);
  return fail('service', answer.message, hint, exitCode);
}
