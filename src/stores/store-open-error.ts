import { ConfigurationError } from '../domain/configuration-error.js';

/** A store that cannot be used until an operator acts. */
export class StoreOpenError extends ConfigurationError {
  override readonly name: string = 'StoreOpenError';
}

/** A server that can only be read. While services run, another one may become the primary, so no operator has to act. */
export class StandbyError extends StoreOpenError {}

/** A store with another schema version than this program's. `found` is 0 for a store without tables. */
export class StoreSchemaError extends StoreOpenError {
  override readonly name = 'StoreSchemaError';
  readonly found: number;

  constructor(where: string, versions: { found: number; wanted: number }, hint: string) {
    const { found, wanted } = versions;
    const cause =
      found === 0
        ? `the store ${where} has not been set up yet`
        : `the store ${where} has schema version ${found}, but version ${wanted} is required`;
    super(cause, hint);
    this.found = found;
  }
}
