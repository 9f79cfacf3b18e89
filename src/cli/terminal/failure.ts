import { AdministrationError } from '../../domain/administration-error.js';
import { RedemptionError } from '../../domain/redemption-error.js';
import { explainFileError } from '../../files/file-error.js';
import { CommandError, type ExitCode } from './command-error.js';
import { adviceFor } from './exit-codes.js';

// Invalid configuration and certificates; compared by name, so that no command loads their modules for it.
// A hint of the error itself takes precedence.
const UNUSABLE: ReadonlyMap<string, string | undefined> = new Map([
  ['ConfigurationError', undefined],
  ['DataDirectoryError', undefined],
  ['SettingsConflictError', undefined],
  ['AdminSettingsError', undefined],
  ['ConsoleFilesError', undefined],
  ['NoLockError', undefined],
  [
    'CertificateAuthorityError',
    'mend that file or put it back from the backup; or give another CA that may sign now with --issuer-cert and --issuer-key',
  ],
  [
    'ServerIdentityError',
    'give a certificate chain that is valid now, its key and its CA with --tls-cert, --tls-key and --tls-ca',
  ],
  ['StoreOpenError', undefined],
  [
    'ClusterConfigError',
    'name a kubeconfig with --kubeconfig and a context of it with --context, or run this in a pod of the cluster',
  ],
  ['LedgerKeyError', undefined],
  ['StoreSchemaError', undefined],
]);

const API_HINT =
  'check that the API server is reached from here, that the CRDs are applied, and that its account has the roles of deploy/';
const UNFORESEEN =
  'this was not foreseen: look at what the command was given, and report it if nothing there is wrong';

const WITH_OPTIONAL = 'install linkgrant anew with its optional packages';

/** A failure as text output: the cause in one line, optionally a hint, and the exit code. */
export function describeFailure(error: unknown): {
  message: string;
  hint?: string | undefined;
  exitCode: ExitCode;
} {
  if (error instanceof CommandError) return error;
  if (error instanceof RedemptionError) return { message: error.message, ...adviceFor(error.code) };
  if (error instanceof AdministrationError) {
    const { exitCode, hint: advice } = adviceFor(error.code);
    return { message: error.message, hint: error.hint ?? advice, exitCode };
  }
  const { name, message, hint, code, path } = error as NodeJS.ErrnoException & { hint?: string };
  if (UNUSABLE.has(name)) return { message, hint: hint ?? UNUSABLE.get(name), exitCode: 2 };
  if (code === 'ERR_MODULE_NOT_FOUND') {
    return { message: `a package is not installed: ${message}`, hint: WITH_OPTIONAL, exitCode: 2 };
  }
  if (name === 'ApiError') return { message: `the Kubernetes API: ${message}`, hint: API_HINT, exitCode: 4 };
  if (name === 'UnreadableFileError') return { message, hint, exitCode: 1 };
  if (code !== undefined && path !== undefined) {
    const problem = explainFileError(path, error);
    return { message: `${path} cannot be used: ${problem.reason}`, hint: problem.hint, exitCode: 1 };
  }
  return { message: message || String(error), hint: UNFORESEEN, exitCode: 1 };
}
