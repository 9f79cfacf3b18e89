import { describeCertificate } from '../../pki/certificate-info.js';
import type { LinkFiles } from '../ports/link-files.js';

/** A link that linkgrant created and whose certificate has not expired. */
export interface PlacedLink {
  /** Name of its Secret. One Link has the same name; several have this name with a number (`west-1`, `west-2`). */
  readonly name: string;
  /** Its Secret and its Links, as files or resources. */
  readonly files: readonly string[];
  /** Milliseconds since the epoch. */
  readonly notAfter: number;
}

/** The complete links of a site that linkgrant created and whose certificate has not expired at `now`. */
export async function placedLinks(links: LinkFiles, now: number): Promise<PlacedLink[]> {
  const own = (await links.ownSecrets()).filter(({ isProxy }) => !isProxy);
  const all = await links.list();
  const placed: PlacedLink[] = [];
  for (const name of new Set(own.map((secret) => secret.name))) {
    const ofSecret = all.filter(({ tlsCredentials }) => tlsCredentials === name);
    const secret = ofSecret.length > 0 ? await links.findSecret(name) : undefined;
    const notAfter = secret && certificateExpiry(secret.tlsCrt);
    if (!secret || notAfter === undefined || notAfter <= now) continue;
    placed.push({ name, files: [secret.place, ...ofSecret.map((link) => link.place)], notAfter });
  }
  return placed;
}

/** When a certificate (PEM) expires, in milliseconds since the epoch; undefined if it cannot be read. */
function certificateExpiry(tlsCrt: string): number | undefined {
  try {
    return describeCertificate(tlsCrt).notAfter;
  } catch {
    return undefined;
  }
}
