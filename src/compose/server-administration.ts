import type { ConnectionOptions } from '../client/connection.js';
import { remoteAdministration } from '../client/remote-administration.js';
import { readOptionalText } from '../files/bounded-text.js';
import type { Administration } from '../redemption/administration/administration.js';

/** The administration through the admin API at `url`. Trusts only the CA in `caFile`; if absent, the CAs that Node trusts. */
export function serverAdministration(
  {
    url,
    caFile,
    bearer,
  }: { readonly url: URL; readonly caFile: string | undefined; readonly bearer: () => Promise<string> },
  options: ConnectionOptions,
): Administration {
  return remoteAdministration({ url, ca: readOptionalText(caFile), bearer }, options);
}
