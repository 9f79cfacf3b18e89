import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { Resource } from '../../../src/platforms/kubernetes/api/resource.js';
import type { AccessRule } from './test-cluster.js';

/** The directory of everything that is deployed. */
export const DEPLOY = resolve(import.meta.dirname, '../../../deploy');
/** The Helm chart. */
export const CHART = resolve(DEPLOY, 'helm/linkgrant');

/** A resource of a manifest, with the fields that tests read. */
export interface Manifest extends Resource {
  readonly rules?: readonly AccessRule[];
  readonly subjects?: readonly object[];
  readonly spec?: unknown;
}

/** A container of a pod. */
export interface Container {
  readonly args: readonly string[];
  readonly env: readonly { readonly name: string; readonly value?: string }[];
  readonly [key: string]: unknown;
}

/** The kustomize directory of the admission policies, for installations without cluster-wide resources. */
export const POLICIES = resolve(DEPLOY, 'kustomize/policies');

/** Name of a kustomize overlay. */
export type OverlayName =
  | 'cluster'
  | 'namespace'
  | 'redeemer'
  | 'redeemer-namespace'
  | 'redeemer-self-service';

/** Directory of a kustomize overlay. */
export function overlay(name: OverlayName): string {
  return resolve(DEPLOY, 'kustomize/overlays', name);
}

/** The resources in a stream of YAML documents. */
export function manifestsIn(yaml: string): Manifest[] {
  return parseAllDocuments(yaml)
    .map((document) => document.toJS() as Manifest | null)
    .filter((manifest) => manifest !== null);
}

/** The manifest of that kind and name; throws if there is none. */
export function manifestOf(manifests: readonly Manifest[], kind: string, name: string): Manifest {
  const found = manifests.find((manifest) => manifest.kind === kind && manifest.metadata.name === name);
  if (!found) throw new Error(`there is no ${kind} "${name}"`);
  return found;
}

/** The only container of a Deployment's pods. */
export function containerOf(deployment: Manifest): Container {
  const { template } = deployment.spec as {
    readonly template: { readonly spec: { readonly containers: readonly Container[] } };
  };
  const [container, ...others] = template.spec.containers;
  if (!container || others.length > 0) throw new Error('the Deployment does not have exactly one container');
  return container;
}

/** The memory limit, in bytes, of the Deployment in a kustomize directory. */
export function shippedMemoryLimit(directory: 'base' | 'redeemer'): number {
  const yaml = readFileSync(resolve(DEPLOY, 'kustomize', directory, 'deployment.yaml'), 'utf8');
  const [deployment] = manifestsIn(yaml);
  const { resources } = containerOf(deployment as Manifest);
  const { memory } = (resources as { readonly limits: { readonly memory: string } }).limits;
  const [, mebibytes] = /^(\d+)Mi$/.exec(memory) ?? [];
  return Number(mebibytes) * 1024 * 1024;
}

/** The Pod that the controllers would create for a Deployment in a namespace. */
export function podOf(deployment: Manifest, namespace: string): Manifest {
  const { template } = deployment.spec as {
    readonly template: { readonly metadata: object; readonly spec: object };
  };
  const metadata = { ...template.metadata, name: `${deployment.metadata.name}-0`, namespace };
  return { apiVersion: 'v1', kind: 'Pod', metadata, spec: template.spec };
}
