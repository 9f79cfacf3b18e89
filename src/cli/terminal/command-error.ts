/** Exit codes: 0 success, 1 failure, 2 usage or configuration, 3 permanent refusal, 4 temporary failure. */
export type ExitCode = 0 | 1 | 2 | 3 | 4;

/** A failed command: the cause in one line (the message), a hint and the exit code. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly exitCode: ExitCode;
  readonly hint: string | undefined;

  constructor(message: string, options: { exitCode: ExitCode; hint?: string | undefined; cause?: unknown }) {
    super(message, { cause: options.cause });
    this.exitCode = options.exitCode;
    this.hint = options.hint;
  }
}

/** Returns a CommandError for wrong usage or configuration, with exit code 2. */
export function usageError(message: string, hint: string): CommandError {
  return new CommandError(message, { exitCode: 2, hint });
}

/** Returns a CommandError for an invalid value of a flag, with exit code 2. */
export function invalidValue(flag: string, value: string, hint: string): CommandError {
  return usageError(`${flag} cannot be "${value}"`, hint);
}
