/** Formats a SHA-256 in hex, or the beginning of one, as OpenSSL prints fingerprints: `AB:CD:…`. */
export function formatFingerprint(hex: string): string {
  return (hex.toUpperCase().match(/../g) ?? []).join(':');
}
