/** How long after its end a link's newest certificate can still be renewed, in milliseconds. */
export const RENEWAL_GRACE_MS = 7 * 86_400_000;
