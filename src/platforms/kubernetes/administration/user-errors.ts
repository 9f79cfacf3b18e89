import { AdministrationError } from '../../../domain/administration-error.js';
import { RedemptionError } from '../../../domain/redemption-error.js';
import { ApiError } from '../api/api-error.js';
import { ClusterConfigError } from '../api/cluster-access.js';

/** Translates a refusal by the API server into an error for the user; returns any other error unchanged. */
export function toUserError(error: unknown): unknown {
  const refusal = error instanceof RedemptionError ? error.cause : error;
  if (refusal instanceof ClusterConfigError) return refusal;
  if (!(refusal instanceof ApiError)) return error;
  const { message, reason } = refusal;
  const translate = (
    code: 'role_insufficient' | 'service_unknown' | 'value_rejected',
    what: string,
    hint: string,
  ) => new AdministrationError(code, `${what}: ${message}`, { hint, cause: refusal });
  switch (reason) {
    case 'forbidden':
      return translate(
        'role_insufficient',
        'the API server forbids the request',
        'request a role with this permission; docs/reference/cli.md lists the permissions of each command',
      );
    case 'unauthorized':
      return translate(
        'role_insufficient',
        'the API server rejected the credentials',
        'log in to the cluster again, or set another --kubeconfig or --context',
      );
    case 'no_such_kind':
      return translate(
        'service_unknown',
        'the cluster does not serve this kind',
        "apply the CRDs of Skupper, and linkgrant's own from deploy/crds",
      );
    case 'not_found':
      return translate(
        'value_rejected',
        'the object does not exist',
        'check the namespace with `kubectl get namespaces`',
      );
    case 'invalid':
    case 'too_large':
      return translate('value_rejected', 'the API server rejected the object', 'choose other values');
    default:
      return new RedemptionError('cluster_unavailable', `The API server of the cluster: ${message}.`, {
        cause: refusal,
      });
  }
}

/** The same operations, with the errors of {@link toUserError}. */
export function withUserErrors<
  T extends { readonly [K in keyof T]: (...values: never[]) => Promise<unknown> },
>(operations: T): T {
  const translated = Object.entries<(...values: never[]) => Promise<unknown>>(operations).map(
    ([name, operation]) => [
      name,
      async (...values: never[]) => {
        try {
          return await operation(...values);
        } catch (error) {
          throw toUserError(error);
        }
      },
    ],
  );
  return Object.fromEntries(translated) as T;
}
