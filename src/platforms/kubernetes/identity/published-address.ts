import type { HostPort } from '../../../domain/host-port-text.js';
import { MANAGED_BY } from '../../../domain/labels.js';
import { asMapping, asMappings } from '../../../files/yaml-documents.js';
import { isApiError } from '../api/api-error.js';
import type { KubernetesClient } from '../api/client.js';
import { SECURED_ACCESSES, SERVICES } from '../api/kinds.js';
import { apiVersionOf, type Resource } from '../api/resource.js';

/** Why the service has no address yet, and a hint for the operator; sentences without full stops. */
export interface NoAddress {
  readonly pending: string;
  readonly hint: string;
}

/** Reads the present address of the service. Rejects with ApiError. */
export type AddressSource = () => Promise<HostPort | NoAddress>;

/** Name of the SecuredAccess that the service creates; Skupper's controller creates a Service of the same name. */
export const SECURED_ACCESS = 'linkgrant-grants';

const HINT = "set --external-url, or set --secured-access to let Skupper's controller expose the service";

/** The address of the load balancer of a Service: its first host, and the port named `https`, else the first port. */
export function loadBalancerAddress(
  client: Pick<KubernetesClient, 'find'>,
  { namespace, name }: { readonly namespace: string; readonly name: string },
): AddressSource {
  return async () => {
    const service = await client.find<Resource>(SERVICES, { namespace, name });
    if (!service) return { pending: `there is no Service "${namespace}/${name}"`, hint: HINT };
    const { type, ports } = asMapping(service.spec);
    if (type !== 'LoadBalancer') {
      return { pending: `the Service "${namespace}/${name}" is not of type LoadBalancer`, hint: HINT };
    }
    const [ingress] = asMappings(asMapping(asMapping(service.status).loadBalancer).ingress);
    const host = ingress?.hostname ?? ingress?.ip;
    const all = asMappings(ports);
    const port = (all.find(({ name: portName }) => portName === 'https') ?? all[0])?.port;
    const address = addressOf(host, port);
    if (address) return address;
    const hint = 'wait until the load balancer has an address, or set --external-url';
    return { pending: `the load balancer of the Service "${namespace}/${name}" has no address yet`, hint };
  };
}

/**
 * The address of the SecuredAccess `name`, which is created if it is absent. Skupper's controller then exposes the pods with
 * the labels of `selector`. The service terminates TLS.
 */
export function securedAccessAddress(
  client: Pick<KubernetesClient, 'find' | 'create'>,
  {
    namespace,
    name,
    port,
    selector,
  }: {
    readonly namespace: string;
    readonly name: string;
    readonly port: number;
    readonly selector: Readonly<Record<string, string>>;
  },
): AddressSource {
  const wanted = {
    apiVersion: apiVersionOf(SECURED_ACCESSES),
    kind: SECURED_ACCESSES.kind,
    metadata: { name, namespace, labels: { [MANAGED_BY]: 'linkgrant' } },
    // Without an issuer Skupper creates no certificate, and the service presents its own.
    spec: { selector, ports: [{ name: 'https', port, targetPort: port, protocol: 'TCP' }] },
  };
  const createIfAbsent = async () => {
    try {
      return await client.create<Resource>(SECURED_ACCESSES, wanted);
    } catch (error) {
      if (isApiError(error, 'already_exists')) return undefined;
      throw error;
    }
  };
  return async () => {
    const found =
      (await client.find<Resource>(SECURED_ACCESSES, { namespace, name })) ?? (await createIfAbsent());
    const endpoints = asMappings(asMapping(found?.status).endpoints);
    const endpoint = endpoints.find(({ name: endpointName }) => endpointName === 'https') ?? endpoints[0];
    return (
      addressOf(endpoint?.host, Number(endpoint?.port)) ?? {
        pending: `the SecuredAccess "${namespace}/${name}" has no endpoint yet`,
        hint: 'check its conditions, or set --external-url',
      }
    );
  };
}

function addressOf(host: unknown, port: unknown): HostPort | undefined {
  if (typeof host !== 'string' || !/^[A-Za-z0-9._:-]{1,253}$/.test(host)) return undefined;
  return Number.isInteger(port) && Number(port) > 0 ? { host, port: Number(port) } : undefined;
}
