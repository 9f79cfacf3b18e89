/** What services that share something have to have in common: a text for each setting, by its key. */
export type SharedSettings = Readonly<Record<string, string>>;

/** Another service runs on the same files or store with another value of `setting`. */
export class OtherServiceError extends Error {
  override readonly name = 'OtherServiceError';
  readonly setting: string;

  constructor(setting: string) {
    super(`another service runs with another ${setting}`);
    this.setting = setting;
  }
}

/** The right of a process to keep what services share up to date. */
export interface ServingLease {
  /** False while this process was taken for dead and a service with other settings runs. */
  isHeld(): boolean;
  /** Gives it up, so that a service with other settings starts at once. */
  release(): void;
}

/** The first setting that both have and that differs. */
export function differingSetting(own: SharedSettings, other: SharedSettings): string | undefined {
  return Object.keys(own).find((key) => other[key] !== undefined && other[key] !== own[key]);
}
