import { RedemptionError } from '../../../domain/redemption-error.js';
import { ApiError } from '../api/api-error.js';
import { ClusterConfigError } from '../api/cluster-access.js';

/** What a caller is told when the store could not answer. */
export function storeUnavailable(message: string, cause?: unknown): RedemptionError {
  return new RedemptionError('store_unavailable', message, { cause });
}

/** The error that leaves the store for one that came up in it. */
export function translateFailure(error: unknown): unknown {
  if (error instanceof ClusterConfigError) return storeUnavailable(error.message, error);
  if (!(error instanceof ApiError)) return error;
  switch (error.reason) {
    case 'no_such_kind':
      return storeUnavailable(
        'the cluster does not know linkgrant’s or Skupper’s resources: apply their CRDs',
        error,
      );
    case 'forbidden':
    case 'unauthorized':
      return storeUnavailable('the cluster does not let the store do what it must', error);
    default:
      return storeUnavailable('the cluster cannot be read or written', error);
  }
}
