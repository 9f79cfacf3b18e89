/** Where a certificate is in its life: `ending` when a third of it or less is left. */
export type CertificateLife = 'early' | 'valid' | 'ending' | 'expired';

/** The life of a certificate at `now`; all times in milliseconds since the epoch. */
export function certificateLife(
  certificate: { readonly notBefore: number; readonly notAfter: number },
  now: number,
): CertificateLife {
  const { notBefore, notAfter } = certificate;
  if (now < notBefore) return 'early';
  if (now > notAfter) return 'expired';
  return notAfter - now <= (notAfter - notBefore) / 3 ? 'ending' : 'valid';
}
