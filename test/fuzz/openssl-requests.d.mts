/**
 * For each request, in order: DER of its public key if `openssl req -verify` accepts it, else undefined.
 * Runs a process for each request, a few at a time.
 */
export function opensslVerdicts(ders: readonly Uint8Array[]): Promise<readonly (Buffer | undefined)[]>;
