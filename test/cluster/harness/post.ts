import type { Stored } from '../../../src/platforms/kubernetes/api/resource.js';
import type { AccessGrantResource } from '../../../src/platforms/kubernetes/grants/access-grant-resource.js';
import type { Serving } from '../../support/command-line.js';
import { post as postTo, type WireResponse } from '../../support/wire.js';

/** Posts the code of a grant to a service, as Skupper's client does. `more` are additional headers. */
export function post(
  { port }: Pick<Serving, 'port'>,
  { metadata, status = {} }: Pick<Stored<AccessGrantResource>, 'metadata' | 'status'>,
  subject = 'a-site',
  more: Readonly<Record<string, string>> = {},
): Promise<WireResponse> {
  // To the address of this one replica; the grant's URL is that of all replicas.
  return postTo({ port, ca: '' }, `/${metadata.uid}`, status.code ?? '', {
    headers: { name: 'a-link', subject, ...more },
    rejectUnauthorized: false,
  });
}
