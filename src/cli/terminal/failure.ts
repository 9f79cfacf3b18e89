import { AdministrationError } from '../../domain/administration-error.js';
import { ConfigurationError } from '../../domain/configuration-error.js';
import { RedemptionError } from '../../domain/redemption-error.js';
import { explainFileError } from '../../files/file-error.js';
import { CommandError, type ExitCode } from './command-error.js';
import { adviceFor } from './exit-codes.js';

// Errors with exit code 2 that do not extend ConfigurationError: the name, and the hint if the error itself has none. They are
// matched by name, so that their modules need not be loaded.
const CONFIGURATION_HINTS: ReadonlyMap<string, string> = new Map([
  [
    'CertificateAuthorityError',
    'correct that file or restore it from the backup, or set another CA with --issuer-cert and --issuer-key',
  ],
  [
    'ServerIdentityError',
    'set a valid certificate chain, its key and its CA with --tls-cert, --tls-key and --tls-ca',
  ],
  ['ClusterConfigError', 'set --kubeconfig and --context, or run this command in a pod of the cluster'],
]);

const API_HINT =
  'check that the API server can be reached, that the CRDs are applied, and that the account has the roles of deploy/';
const UNEXPECTED_HINT = 'this is an unexpected error: check the flags, and report it if they are correct';

const OPTIONAL_PACKAGES_HINT = 'reinstall linkgrant with its optional packages';

/** Describes a failure: the cause in one line, a hint if there is one, and the exit code. */
export function describeFailure(error: unknown): {
  message: string;
  hint?: string | undefined;
  exitCode: ExitCode;
} {
  if (error instanceof CommandError) return error;
  // The store cannot be used until an operator acts, for example after a backup was restored. The cause has the hint for that.
  if (error instanceof RedemptionError && error.cause instanceof ConfigurationError)
    return describeFailure(error.cause);
  if (error instanceof RedemptionError) return { message: error.message, ...adviceFor(error.code) };
  if (error instanceof AdministrationError) {
    const { exitCode, hint: advice } = adviceFor(error.code);
    return { message: error.message, hint: error.hint ?? advice, exitCode };
  }
  const { name, message, hint, code, path } = error as NodeJS.ErrnoException & { hint?: string };
  if (error instanceof ConfigurationError || CONFIGURATION_HINTS.has(name))
    return { message, hint: hint ?? CONFIGURATION_HINTS.get(name), exitCode: 2 };
  if (code === 'ERR_MODULE_NOT_FOUND') {
    return { message: `a package is not installed: ${message}`, hint: OPTIONAL_PACKAGES_HINT, exitCode: 2 };
  }
  if (name === 'ApiError') return { message: `the Kubernetes API: ${message}`, hint: API_HINT, exitCode: 4 };
  if (name === 'UnreadableFileError') return { message, hint, exitCode: 1 };
  if (code !== undefined && path !== undefined) {
    const problem = explainFileError(path, error);
    return { message: `${path} cannot be used: ${problem.reason}`, hint: problem.hint, exitCode: 1 };
  }
  return { message: message || String(error), hint: UNEXPECTED_HINT, exitCode: 1 };
}
