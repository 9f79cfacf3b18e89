import { MAX_LABELS } from '../../../domain/labels-and-note.js';
import type { IssuedLink } from '../../../redemption/ports/link-store.js';
import type { Stored } from '../api/resource.js';
import { timeOf } from '../api/timestamp.js';
import type { ObjectSink } from '../controller/informer.js';
import { readLabelsAndNote } from '../grants/grant-metadata.js';
import { fillsItsSlot, type RedemptionResource, redemptionRevokedAt } from './redemption-resource.js';

/** The location and age of the Redemption with an id, and its link. */
export interface RedemptionLocation {
  readonly id: string;
  readonly namespace: string;
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** The resource version when it was first seen. */
  readonly version: number;
  /** Undefined for a Redemption that does not fill the slot in its spec. */
  readonly link: IssuedLink | undefined;
}

/**
 * Finds Redemptions by id, and lists their links. A watch fills it, or a listing if there is no watch. A Redemption
 * needs about 1 KB, and the size of its labels and note; at most 30 KB with the longest texts that the CRD permits.
 */
export class RedemptionIndex implements ObjectSink<RedemptionLocation> {
  readonly #byId = new Map<string, RedemptionLocation>();
  #changes = 0;

  get changes(): number {
    return this.#changes;
  }

  /** The links of all Redemptions that fill their slot. */
  links(): IssuedLink[] {
    return [...this.#byId.values()].flatMap(({ link }) => link ?? []);
  }

  /** The location of the Redemption with this id; undefined if the index does not have it. */
  find(id: string): RedemptionLocation | undefined {
    return this.#byId.get(id);
  }

  replace(all: readonly RedemptionLocation[]): void {
    this.#byId.clear();
    this.#changes += 1;
    for (const location of all) this.put(location);
  }

  /** Adds or updates a location. Of several Redemptions with one id the oldest counts. */
  put(location: RedemptionLocation): void {
    const indexed = this.#byId.get(location.id);
    this.#changes += 1;
    if (indexed?.namespace === location.namespace && indexed.name === location.name)
      this.#byId.set(location.id, { ...location, version: Math.min(indexed.version, location.version) });
    else if (!indexed || isOlder(location, indexed)) this.#byId.set(location.id, location);
  }

  /** Removes a location, unless the index has another one for the id. */
  remove({ id, namespace, name }: RedemptionLocation): void {
    const indexed = this.#byId.get(id);
    this.#changes += 1;
    if (indexed?.namespace === namespace && indexed.name === name) this.#byId.delete(id);
  }
}

/**
 * True if `a` is older than `b`; both have the same id. A user can only copy an id that exists already, so the copy is always
 * newer. Creation times are in seconds; within a second the resource version decides.
 */
function isOlder(a: RedemptionLocation, b: RedemptionLocation): boolean {
  return a.createdAt < b.createdAt || (a.createdAt === b.createdAt && a.version < b.version);
}

/** Reads the location and the link of a Redemption. */
export function readRedemptionLocation(resource: Stored<RedemptionResource>): RedemptionLocation {
  const { metadata, spec } = resource;
  return {
    link: fillsItsSlot(resource) ? readIssuedLink(resource) : undefined,
    id: spec.id,
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    createdAt: timeOf(metadata.creationTimestamp) ?? 0,
    version: Number(metadata.resourceVersion),
  };
}

function readIssuedLink({ metadata, spec, status = {} }: Stored<RedemptionResource>): IssuedLink {
  const [newest] = status.renewals ?? [];
  const { id, grantUid, grantName, mode, name, subject, code, siteUid = null, issuer = null } = spec;
  const { notAfter, issuerSha256, certificateSha256 } = newest?.certificate ?? spec.certificate;
  const createdAt = timeOf(spec.createdAt) ?? 0;
  return {
    id,
    grantUid,
    grantName,
    mode,
    name,
    subject,
    siteUid,
    issuer,
    createdAt,
    issuerSha256,
    certificateSha256,
    namespace: metadata.namespace ?? '',
    jti: code?.jti ?? null,
    peer: newest?.peer ?? spec.peer,
    firstNotAfter: timeOf(spec.certificate.notAfter) ?? 0,
    firstIssuerSha256: spec.certificate.issuerSha256,
    notAfter: timeOf(notAfter) ?? 0,
    issuedAt: newest ? (timeOf(newest.renewedAt) ?? createdAt) : createdAt,
    renewals: newest?.number ?? 0,
    revokedAt: redemptionRevokedAt({ metadata, spec }),
    ...readLabelsAndNote(metadata, MAX_LABELS),
  };
}
