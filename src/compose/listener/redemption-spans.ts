import type { RedemptionAppDependencies } from '../../http/redemption-dependencies.js';
import { inSpan } from '../../tracing/span.js';

/** Returns the dependencies with a span around each operation of a redemption, except those of the store. */
export function withSpans(deps: RedemptionAppDependencies): RedemptionAppDependencies {
  const { site, keys, issueCertificate } = deps;
  return {
    ...deps,
    site: {
      resolveAccess: (grant) => inSpan({ name: 'resolve access' }, () => site.resolveAccess(grant)),
    },
    keys: { type: keys.type, generate: () => inSpan({ name: 'generate key' }, () => keys.generate()) },
    issueCertificate: (content) => inSpan({ name: 'sign certificate' }, () => issueCertificate(content)),
  };
}
