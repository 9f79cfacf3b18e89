import { certificateInfo } from '../../pki/certificate-info.js';
import type { LinkFiles } from '../ports/link-files.js';

/** A link that linkgrant created and whose certificate has not expired. */
export interface PlacedLink {
  /** Name of its Secret. A single Link has the same name; if there are several, each adds a number (`west-1`, `west-2`). */
  readonly name: string;
  /** The files or resources of its Secret and Links. */
  readonly files: readonly string[];
  /** Milliseconds since the epoch. */
  readonly notAfter: number;
}

/**
 * The links of a site that linkgrant created and whose certificate has not expired at `now`. Rejects with the errors of
 * `links`.
 */
export async function placedLinks(links: LinkFiles, now: number): Promise<PlacedLink[]> {
  const stored = await links.list();
  // A directory may have a copy of a Secret.
  const secrets = (await links.ownSecrets()).filter(({ isProxy }) => !isProxy).map(({ name }) => name);
  const placed: PlacedLink[] = [];
  for (const name of new Set(secrets)) {
    const places = stored.filter(({ tlsCredentials }) => tlsCredentials === name).map(({ place }) => place);
    const secret = places.length > 0 ? await links.findSecret(name) : undefined;
    const { notAfter = 0 } = (secret && certificateInfo(secret.tlsCrt)) ?? {};
    if (secret && notAfter > now) placed.push({ name, files: [secret.place, ...places], notAfter });
  }
  return placed;
}
