const CERTIFICATES = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Settings that services with shared files or a shared store must have in common: text by key. */
export type SharedSettings = Readonly<Record<string, string>>;

/** Thrown if another service runs on the same files or store with another value of `setting`. */
export class OtherServiceError extends Error {
  override readonly name = 'OtherServiceError';
  readonly setting: string;

  constructor(setting: string) {
    super(`another service runs with another ${setting}`);
    this.setting = setting;
  }
}

/** The right of a process to update what services share. */
export interface ServingLease {
  /**
   * Renews the lease, and publishes settings that have changed. Returns false if another service removed this lease as stale
   * and runs with other settings.
   */
  renew(): boolean;
  /** Releases the lease, so that a service with other settings can start at once. */
  release(): void;
}

/**
 * Returns the first setting that both have with different values. CAs in PEM differ if they have no certificate in common,
 * because a CA is replaced while services run.
 */
export function differingSetting(own: SharedSettings, other: SharedSettings): string | undefined {
  return Object.entries(own).find(([key, value]) => {
    const otherValue = other[key];
    return otherValue !== undefined && otherValue !== value && !haveCommonCertificate(value, otherValue);
  })?.[0];
}

function haveCommonCertificate(pem: string, otherPem: string): boolean {
  const certificates = pem.match(CERTIFICATES) ?? [];
  return certificates.some((certificate) => otherPem.includes(certificate));
}
