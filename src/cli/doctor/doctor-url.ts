import { randomUUID } from 'node:crypto';
import type { LinkDialOptions } from '../../compose/links.js';
import type { AccessToken } from '../../domain/access-token.js';
import { RedemptionError } from '../../domain/redemption-error.js';
import { adviceFor } from '../terminal/exit-codes.js';
import { type Check, fail, ok } from './doctor-check.js';
import { checkRoute } from './doctor-route.js';

/** Returns a token of a grant that does not exist. A service at the base URL refuses it with `grant_unknown`. */
export function probeToken({ url, ca }: { readonly url: string; readonly ca: string }): AccessToken {
  return { name: 'doctor', url: `${url}/${randomUUID()}`, code: 'no-such-grant', ca };
}

/** Checks that the service answers at the URL in its tokens. */
export async function checkUrl(probe: AccessToken, options: LinkDialOptions): Promise<readonly Check[]> {
  const { checks, answer } = await checkRoute(probe, options, 'URL ');
  return answer === undefined ? checks : [...checks, checkAnswer(answer)];
}

function checkAnswer(answer: object | string): Check {
  if (!(answer instanceof RedemptionError) || answer.code === 'grant_unknown')
    return ok('service', 'it responds at the URL in its tokens');
  const { hint, exitCode } = adviceFor(answer.code);
  return fail('service', answer.message, hint, exitCode);
}
