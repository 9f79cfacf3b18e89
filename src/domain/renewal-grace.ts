/** How long after its end a link's newest certificate still renews, in milliseconds. */
export const RENEWAL_GRACE_MS = 7 * 86_400_000;
