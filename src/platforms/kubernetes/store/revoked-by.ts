import { type Actor, actorOf } from '../../../domain/actor.js';
import { isIdentitySubject } from '../../../domain/names.js';
import type { KubernetesClient } from '../api/client.js';
import { USER_REVIEWS } from '../api/kinds.js';
import { apiVersionOf, type Resource, type ResourceMetadata } from '../api/resource.js';

/** Annotation of an AccessGrant or a Redemption: the user whose command revoked it. */
const REVOKED_BY = 'linkgrant.dev/revoked-by';

/** Returns the annotation that records a user; none without a user. */
export function revokedByAnnotation(user: string | undefined): Readonly<Record<string, string>> {
  return user === undefined ? {} : { [REVOKED_BY]: user };
}

/** Returns the user whose command revoked a resource as an actor; nothing if none is recorded. */
export function readRevokedBy({ annotations = {} }: ResourceMetadata): Partial<Actor> {
  return actorOfUser(annotations[REVOKED_BY]);
}

/** Returns a recorded user as an actor. Any user who may change the resource can change the record, so it is no proof. */
export function actorOfUser(user: string | undefined): Partial<Actor> {
  return isIdentitySubject(user) ? actorOf('kubernetes', user) : {};
}

type UserReview = Resource & {
  readonly status?: { readonly userInfo?: { readonly username?: string } };
};

/**
 * Returns a function that reads the name of the client's user until it has it; undefined if the cluster does not report it now, or at
 * all, as before Kubernetes 1.28. It never rejects: a revocation matters more than the name of its user.
 */
export function userReader(client: KubernetesClient): () => Promise<string | undefined> {
  let name: string | undefined;
  return async () => {
    name ??= await readUser(client);
    return name;
  };
}

async function readUser(client: KubernetesClient): Promise<string | undefined> {
  const review = { apiVersion: apiVersionOf(USER_REVIEWS), kind: USER_REVIEWS.kind };
  // A review is not stored, so it has no name.
  const unnamed = { ...review, metadata: {} } as unknown as UserReview;
  try {
    const { status } = await client.create(USER_REVIEWS, unnamed);
    return status?.userInfo?.username;
  } catch {
    return undefined;
  }
}
