import { wrongCodesText } from '../../../src/domain/access-grant.js';
import type { Api } from '../api/client.js';
import { Foreign } from './text.js';
import { useNow } from './time.js';

/** What to do about requests with a wrong code, as sentences. */
export const WRONG_CODE_REMEDY =
  'If a site is to join: its token is not of this grant, or was changed on the way. Let it copy the token again as a whole, or issue a new one.';

/** The number of requests with a wrong code, with time and address of the last one. */
export function WrongCodes(requests: Api['WrongCodes']) {
  return <Foreign text={wrongCodesText(requests, useNow(10_000))} />;
}
