import { RedemptionError } from '../../domain/redemption-error.js';
import { CommandError } from '../terminal/command-error.js';
import { adviceFor, type ErrorCode } from '../terminal/exit-codes.js';

const ADDRESS_HINT = 'use the https URL of the admin API of the service: the port of --admin-listen';

// The default hints for these codes are about link tokens.
const HINTS: Readonly<Partial<Record<ErrorCode, string>>> = {
  connection_refused:
    'start the service, or check the URL of its admin API and that no firewall blocks the port of --admin-listen',
  tls_untrusted: 'set --server-ca to the file with the CA of the service',
  not_https: ADDRESS_HINT,
  answer_invalid: ADDRESS_HINT,
};

/**
 * Adds a hint about the admin API to a failure of a connection to it. Returns a TypeError or RangeError as a CommandError: its
 * usual reason is a response of another version, because members of responses are not validated. Returns other errors unchanged.
 */
export function serviceError(error: unknown): unknown {
  if (error instanceof TypeError || error instanceof RangeError) {
    return new CommandError(`the responses of the server could not be processed (${error.message})`, {
      exitCode: 3,
      hint: 'use linkgrant in the version of the service, and the https URL of its admin API; if both are right, report this error',
      cause: error,
    });
  }
  if (!(error instanceof RedemptionError)) return error;
  const { code, message } = error;
  const hint = HINTS[code];
  if (hint === undefined) return error;
  return new CommandError(message, { exitCode: adviceFor(code).exitCode, hint, cause: error });
}
