/** The link requests of a requesting site that wait for their tokens. The texts contain private keys. */
export interface LinkRequestStore {
  /** Where they are stored, for messages. */
  readonly place: string;
  /** Stores a text durably under an id (lower-case hex), unless one is stored. Returns the stored one. */
  ensure(id: string, text: string): Promise<string>;
  /** The stored texts, sorted by id. */
  list(): Promise<readonly string[]>;
  /** Removes the text of an id; false if there is none. */
  remove(id: string): Promise<boolean>;
}
