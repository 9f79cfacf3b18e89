import { formatEndpoint } from '../../domain/host-port-text.js';
import { encodeResource } from '../../domain/resource-encoding.js';
import type { Administration } from '../../redemption/administration/administration.js';
import { writeStderr } from '../terminal/write-out.js';
import { limitsOf, writeSecretOutput } from './write-token.js';

/**
 * Writes a token with the code of a grant to `target`, and reports on standard error what it allows. Rejects with
 * AdministrationError if the token could not be redeemed.
 */
export async function writeToken(
  { uid: grantUid, code }: { readonly uid: string; readonly code: string },
  target: string,
  { name, linkCost }: { readonly name?: string | undefined; readonly linkCost?: number | undefined },
  administration: Administration,
): Promise<void> {
  const issued = await administration.issueToken({ grantUid, code, name, linkCost });
  await writeSecretOutput(target, encodeResource({ ...issued.token }), 'AccessToken');
  const leadsTo = issued.endpoints.map(formatEndpoint).join(', ');
  writeStderr(
    [
      target === '-' ? '' : `Token written to ${target}\n`,
      `Redeem at ${issued.token.spec.url}\n`,
      `Links to ${leadsTo}\n`,
      `Can be redeemed ${limitsOf(issued)}\n`,
    ].join(''),
  );
}
