import { X509Certificate } from 'node:crypto';

const REDEMPTION = /^URI:urn:uuid:([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

/** The redemption id that the first certificate of a PEM text names (`urn:uuid:<id>`); undefined if it names none, or two. */
export function redemptionIdIn(pem: string): string | undefined {
  let names: string;
  try {
    names = new X509Certificate(pem).subjectAltName ?? '';
  } catch {
    return undefined;
  }
  const ids = names.split(', ').flatMap((name) => REDEMPTION.exec(name)?.[1] ?? []);
  return ids.length === 1 ? ids[0] : undefined;
}
