/** A kind of resource with its names in the API. */
export interface ResourceKind {
  /** API group; empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** Lower-case plural, as in paths. */
  readonly plural: string;
  /** False for a cluster-scoped kind. */
  readonly namespaced: boolean;
}

/** A reference from a resource to its owner, for garbage collection. */
export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
}

/** The metadata fields that linkgrant reads or writes. Times are RFC 3339. */
export interface ResourceMetadata {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
  readonly ownerReferences?: readonly OwnerReference[];
}

/**
 * A resource of the API. `spec`, `status` and other fields are not validated yet; each reader validates its fields. A type
 * instead of an interface, so that it can be passed as a mapping with unchecked values.
 */
export type Resource = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ResourceMetadata;
  readonly spec?: unknown;
  readonly status?: unknown;
  readonly data?: unknown;
  readonly type?: unknown;
};

/** A resource as returned by the API server, with the fields that the server sets. */
export type Stored<T extends Resource> = T & {
  readonly metadata: ResourceMetadata & {
    readonly uid: string;
    readonly resourceVersion: string;
    readonly creationTimestamp: string;
  };
};

/** Namespace and name of a resource; the namespace is absent for a cluster-scoped one. */
export interface ResourceKey {
  readonly namespace?: string | undefined;
  readonly name: string;
}

/** Namespace and name of a namespaced resource. */
export interface NamespacedName extends ResourceKey {
  readonly namespace: string;
}

/** Returns namespace and name as one key, `namespace/name`. */
export function formatNamespacedName({ namespace, name }: NamespacedName): string {
  return `${namespace}/${name}`;
}

/** The value of `apiVersion` for a kind. */
export function apiVersionOf({ group, version }: ResourceKind): string {
  return group === '' ? version : `${group}/${version}`;
}

/** A kind as kubectl names it: `secret`, or `lease.coordination.k8s.io`. */
export function resourceTypeOf({ kind, group }: ResourceKind): string {
  return group === '' ? kind.toLowerCase() : `${kind.toLowerCase()}.${group}`;
}

/** True if a condition of this type has the status True; the conditions need not be valid. */
export function isConditionTrue(
  conditions: readonly { readonly type?: unknown; readonly status?: unknown }[],
  type: string,
): boolean {
  return conditions.some((condition) => condition.type === type && condition.status === 'True');
}

/** A condition in the status of a resource, which a controller writes. */
export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  /** One word in CamelCase. */
  readonly reason: string;
  /** A sentence for people. */
  readonly message: string;
  readonly observedGeneration?: number;
  /** When `status` last changed, RFC 3339. */
  readonly lastTransitionTime: string;
}
