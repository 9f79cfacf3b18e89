import type { IssuedCertificate } from '../../domain/issued-certificate.js';
import type { Redemption } from '../../domain/redemption.js';
import type { IssuerDirectory } from '../ports/issuers.js';

/** True if the issuer of a redemption no longer has the CA that signed a certificate. */
export type IsCaRetired = (
  redemption: Pick<Redemption, 'issuer'>,
  certificate: Pick<IssuedCertificate, 'issuerSha256'>,
) => boolean;

/**
 * Reads the present CAs of the issuers whose CAs linkgrant manages. A CA of another issuer, or of one that cannot be read, does not
 * count as retired: a router may trust it.
 */
export async function readRetiredCas(issuers: IssuerDirectory): Promise<IsCaRetired> {
  const present = new Map<string | null, ReadonlySet<string>>();
  for (const issuer of await issuers.list([])) {
    if (issuer.owner !== 'linkgrant' || issuer.signs !== 'links') continue;
    const { cas, problem } = await issuers.read(issuer);
    if (problem !== undefined) continue;
    const sha256s = new Set(cas.map(({ sha256 }) => sha256));
    present.set(issuer.name, sha256s);
    if (issuer.isDefault) present.set(null, sha256s);
  }
  return ({ issuer }, { issuerSha256 }) => present.get(issuer)?.has(issuerSha256) === false;
}
