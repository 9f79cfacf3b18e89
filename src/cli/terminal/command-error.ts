/** What a command ends with: 0 ok, 1 failure, 2 usage or configuration, 3 refused for good, 4 temporary. */
export type ExitCode = 0 | 1 | 2 | 3 | 4;

/** A command that failed: one line of cause (the message), one of what to do about it, and how it exits. */
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
