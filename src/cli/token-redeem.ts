import { parse as parsePath, resolve } from 'node:path';
import { isSubject } from '../domain/names.js';
import type { Checkpoint, Clock } from '../redemption/clock.js';
import type { RedeemedToken } from '../redemption/redeem-token.js';
import { openRequestingSide } from '../requesting-side.js';
import { CommandError } from './command-error.js';
import { configurationFrom } from './configuration.js';
import { type ConnectionFlags, connectionOptions } from './connection-flags.js';
import { parseCount, readToken, requireResourceName } from './flag-values.js';
import { formatTime, print } from './output.js';
import type { OutputFormat } from './output-format.js';
import { parseAccessToken } from './token-file.js';
import { writeOut } from './write-out.js';

/** The flags of `token redeem`, as they were typed; `to` is a directory, or `-` for standard output. */
export interface TokenRedeemFlags extends ConnectionFlags {
  readonly to: string;
  readonly name?: string;
  readonly subject?: string;
  readonly linkCost?: string;
  readonly retry?: boolean;
  readonly output?: OutputFormat;
  readonly dataDir?: string;
  readonly config?: string;
}

/** Redeems a token and puts its Secret and Link into `--to`. The key is made and kept before anything is posted. */
export async function redeemCommand(
  file: string,
  flags: TokenRedeemFlags,
  context: { readonly clock: Clock; readonly checkpoint: Checkpoint },
): Promise<void> {
  const { to, name, subject, output } = flags;
  const linkCost = parseCount('--link-cost', flags.linkCost);
  if (name !== undefined) requireResourceName('--name', name);
  if (subject !== undefined && !isSubject(subject)) {
    throw new CommandError('--subject cannot be what was given', {
      exitCode: 2,
      hint: 'use 1 to 253 printable characters',
    });
  }
  if (to === '-' && output !== undefined) {
    throw new CommandError('-o and --to - both want standard output', {
      exitCode: 2,
      hint: 'name a directory with --to',
    });
  }
  if (to !== '-' && parsePath(resolve(to)).root === resolve(to)) {
    throw new CommandError('--to cannot be the root directory', {
      exitCode: 2,
      hint: 'name a directory for the two files',
    });
  }
  const { settings } = configurationFrom({ dataDir: flags.dataDir, config: flags.config });
  const token = parseAccessToken(readToken(file));
  const side = openRequestingSide(settings.dataDir, { ...connectionOptions(flags), ...context });
  const materializer = to === '-' ? side.toStream(writeOut) : side.toDirectory(to);
  const redeemed = await side.redeem({ token, name, subject, linkCost, retry: flags.retry }, materializer);
  await report(redeemed, to, output);
}

async function report(redeemed: RedeemedToken, to: string, output: OutputFormat): Promise<void> {
  const { links, secret, certificate, redemptionId, alreadyRedeemed, source, written } = redeemed;
  const until = formatTime(certificate.notAfter);
  if (to === '-') {
    process.stderr.write(
      `The certificate of "${certificate.subject}" is valid until ${until}; nothing renews it.\n`,
    );
    return;
  }
  const value = {
    links: links.map((link) => link.name),
    secret: secret.name,
    files: written,
    subject: certificate.subject,
    serial: certificate.serial,
    notAfter: until,
    source,
    alreadyRedeemed,
    ...(redemptionId !== undefined && { redemptionId }),
  };
  await print(output, value, () =>
    [
      ...written.map((path) => `Written ${path}\n`),
      alreadyRedeemed ? 'The token was redeemed before; this is the same link, and no use was spent.\n' : '',
      `The certificate of "${certificate.subject}" is valid until ${until}; nothing renews it.\n`,
      `Apply both where the router runs, for example with kubectl apply -f ${to}. The token file can be deleted.\n`,
    ].join(''),
  );
}
