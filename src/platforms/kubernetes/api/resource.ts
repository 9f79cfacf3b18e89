/** What names a kind of resource in the API. */
export interface ResourceKind {
  /** API group; empty for the core one. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** Lower-case plural, as it stands in paths. */
  readonly plural: string;
  /** False for a kind that is the whole cluster's. */
  readonly namespaced: boolean;
}

/** A resource's reference to the one it belongs to. */
export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
}

/** Of a resource's metadata what linkgrant reads or writes; the server sets the rest. Times are RFC 3339. */
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

/** A resource as the API speaks of it. What `spec` and others hold is the cluster's word, and checked by who reads it. */
export interface Resource {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ResourceMetadata;
}

/** A resource as the server gave it. */
export type Stored<T extends Resource> = T & {
  readonly metadata: ResourceMetadata & {
    readonly uid: string;
    readonly resourceVersion: string;
    readonly creationTimestamp: string;
  };
};

/** Where a resource is; the namespace is absent for one that is the whole cluster's. */
export interface ResourceKey {
  readonly namespace?: string | undefined;
  readonly name: string;
}

/** `apiVersion` of a kind's resources. */
export function apiVersionOf({ group, version }: ResourceKind): string {
  return group === '' ? version : `${group}/${version}`;
}
