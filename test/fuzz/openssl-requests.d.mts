/**
 * What `openssl req -verify` makes of each request, in order: DER of its public key where it is proven, else undefined.
 * Runs a process for each, a few at once.
 */
export function opensslVerdicts(ders: readonly Uint8Array[]): Promise<readonly (Buffer | undefined)[]>;
