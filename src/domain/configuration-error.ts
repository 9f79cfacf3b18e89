/**
 * Settings, files or a store that cannot be used until an operator corrects them. `message` is the cause in one line, `hint` is
 * the next step. Commands exit with 2.
 */
export class ConfigurationError extends Error {
  override readonly name: string = 'ConfigurationError';
  readonly hint: string;

  constructor(message: string, hint: string, options?: ErrorOptions) {
    super(message, options);
    this.hint = hint;
  }
}
