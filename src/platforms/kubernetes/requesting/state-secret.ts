import { MANAGED_BY } from '../../../domain/labels.js';
import type { Resource } from '../api/resource.js';
import { type NamespaceTarget, ownedResource, secretData } from './namespace-target.js';

/** Label of Secrets with the state of an operation. The value names the operation. */
const COMPONENT_LABEL = 'app.kubernetes.io/component';

/** An operation whose state is in Secrets. */
export type StatefulOperation = 'pending-redemption' | 'pending-renewal' | 'link-request';

/** Returns the label selector of the Secrets with the state of an operation. */
export function stateSelector(operation: StatefulOperation): string {
  return `${MANAGED_BY}=linkgrant,${COMPONENT_LABEL}=${operation}`;
}

/**
 * Returns a Secret for the state of an operation, which the Site owns, with these texts as its values. Rejects with
 * RedemptionError while there is no Site.
 */
export async function newStateSecret(
  operation: StatefulOperation,
  { name, annotations }: Pick<Resource['metadata'], 'name' | 'annotations'>,
  texts: Readonly<Record<string, string>>,
  { namespace, owner }: NamespaceTarget,
): Promise<Resource> {
  const labels = { [MANAGED_BY]: 'linkgrant', [COMPONENT_LABEL]: operation };
  const metadata = { name, namespace, labels, annotations };
  const fields = { apiVersion: 'v1', kind: 'Secret', metadata, type: 'Opaque', data: secretData(texts) };
  return ownedResource(fields, await owner());
}
