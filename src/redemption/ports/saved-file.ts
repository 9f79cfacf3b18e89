/** A text file of the data directory in a backup; `path` is relative, with `/`. */
export interface SavedFile {
  readonly path: string;
  readonly content: string;
}
