import { formatEndpoint } from '../../domain/host-port-text.js';
import { encodeResource } from '../../domain/resource-encoding.js';
import type { Administration } from '../../redemption/administration/administration.js';
import { writeStderr } from '../terminal/write-stderr.js';
import { type TokenDelivery, tokenText } from './token-forms.js';
import { limitsOf, writeSecretOutput } from './write-token.js';

/**
 * Writes a token with the code of a grant, and reports on standard error what it allows. Rejects with
 * AdministrationError if the token could not be redeemed.
 */
export async function writeToken(
  { uid: grantUid, code }: { readonly uid: string; readonly code: string },
  { target, form }: TokenDelivery,
  { name, linkCost }: { readonly name?: string | undefined; readonly linkCost?: number | undefined },
  administration: Administration,
): Promise<void> {
  const issued = await administration.issueToken({ grantUid, code, name, linkCost });
  const { token, joinLine } = issued;
  const text = tokenText(form, { document: encodeResource({ ...token }), joinLine });
  await writeSecretOutput(target, text, 'AccessToken');
  const leadsTo = issued.endpoints.map(formatEndpoint).join(', ');
  writeStderr(
    [
      target === '-' ? '' : `Token written to ${target}\n`,
      `Redeem at ${token.spec.url}\n`,
      `Links to ${leadsTo}\n`,
      `Can be redeemed ${limitsOf(issued)}\n`,
    ].join(''),
  );
}
