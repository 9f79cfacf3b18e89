import { wrongCodesText } from '../../../src/domain/access-grant.js';
import type { Api } from '../api/client.js';
import { Foreign } from './text.js';
import { useNow } from './time.js';

/** The number of requests with a wrong code, with time and address of the last one. */
export function WrongCodes(requests: Api['WrongCodes']) {
  return <Foreign text={wrongCodesText(requests, useNow(10_000))} />;
}
