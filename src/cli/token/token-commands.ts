import { type Command, Option } from 'commander';
import {
  addConnectionFlags,
  addIdentityFlags,
  addListFlags,
  DRY_RUN,
  grantCommand,
  OUTPUT,
  withSettings,
} from '../flags/command-flags.js';
import { addNewGrantFlags } from '../grant/grant-commands.js';
import { addTarget, deadlineOption, waitOption, withCost } from '../link/target-flags.js';
import { CLUSTER_SETTINGS, STORE_SETTINGS } from '../terminal/settings-options.js';
import { TOKEN_FORMS } from './token-forms.js';

function addTokenAdministration(token: Command): void {
  addListFlags(
    grantCommand(token, 'list', 'List the signed tokens, with their uses and states')
      .option('--grant <NAME>', 'of one grant')
      .option('-A, --all-namespaces', 'in all namespaces'),
  ).action(async (flags) => (await import('./token-list.js')).tokenListCommand(flags));
  grantCommand(token, 'revoke [ID]', 'Revoke one signed token, or one identity')
    .option('--identity <PROVIDER:SUB>', 'identity that may no longer redeem --grant, even if it never did')
    .option('--grant <NAME>', 'the grant of the token; required if the service has no record of the token')
    .addOption(DRY_RUN())
    .action(async (id, flags) => (await import('./token-revoke.js')).tokenRevokeCommand(id, flags));
  withSettings(
    token.command('rotate-key').description('Sign new tokens with a new key; existing tokens stay valid'),
    [...STORE_SETTINGS, ...CLUSTER_SETTINGS],
  )
    .option('--drop-old', 'remove the previous keys: all existing signed tokens become invalid')
    .option('--yes', 'confirm --drop-old')
    .action(async (flags) => (await import('./token-rotate-key.js')).tokenRotateKeyCommand(flags));
}

/** Adds `token` with its subcommands. */
export function addToken(program: Command): void {
  const token = program.command('token').description('Issue, redeem, inspect, list and revoke tokens');
  addNewGrantFlags(
    grantCommand(
      token,
      'issue [FILE]',
      'Print the join line of a new grant, or of a signed token of --grant; with FILE write an AccessToken',
    ),
    '15m; with --request 7d; with --grant the expiry of the grant',
  )
    .option(
      '--grant <NAME>',
      'issue a signed token within the limits of this grant; in a cluster, without flags for its own limits, a token with the code of the grant',
    )
    .option('--signing-key <FILE>', 'issue a signed token with the key that `grant show --signing-key` wrote')
    .option(
      '--request <FILE>',
      'certificate request of the other site: a file, its line, or - for standard input. Only its key can redeem the token, which is no secret',
    )
    .option(
      '--subject <SUBJECT>',
      'the only subject that may redeem a signed token (default with --request: the common name of the request)',
    )
    .option(
      '--replaces <REDEMPTION>',
      'issue a token for the site of this link, which is revoked when the token is redeemed (id, at least its first four digits, or subject)',
    )
    .option(
      '--count <N>',
      'issue this many signed tokens: one file each in the directory FILE; without FILE one join line each',
    )
    .option('--name <NAME>', 'name of the token and of its link')
    .addOption(
      new Option(
        '--print <FORM>',
        'what to write: the AccessToken (default with FILE), the join line (default without), or what to run on the other site',
      ).choices(TOKEN_FORMS),
    )
    .option('--qr', 'also draw the join line as a QR code, on standard error')
    .option(
      '--wait [DURATION]',
      'wait until the token is redeemed, and show refusals (--wait=DURATION: wait at most that long)',
    )
    .addOption(new Option('--link-cost <N>', 'cost of the link'))
    .addOption(DRY_RUN())
    // Skupper's name of --link-cost, accepted but not listed.
    .addOption(new Option('--cost <N>').hideHelp())
    .action(async (file, issueFlags) => {
      const flags = withCost(issueFlags);
      if (flags.signingKey === undefined)
        await (await import('./token-issue.js')).tokenIssueCommand(file, flags);
      else await (await import('./token-mint.js')).tokenMintCommand(file, flags);
    });
  addRedeem(token);
  addConnectionFlags(
    token.command('inspect <FILE>').description('Show a token (- for standard input) without its code'),
  )
    .option('--check', 'query the state of the grant; spends no use')
    .addOption(OUTPUT())
    .action(async (file, flags) => (await import('./token-inspect.js')).tokenInspectCommand(file, flags));
  addTokenAdministration(token);
}

function addRedeem(token: Command): void {
  addRedeemFlags(
    token
      .command('redeem [FILE]')
      .description(
        'Redeem a token or join line (- for standard input), and write its Link and Secret; safe to repeat',
      )
      .option(
        '--input',
        "redeem the AccessToken files of the site's input directory, and replace each with its Link and Secret",
      ),
  ).action(async (file, flags) =>
    (await import('./token-redeem.js')).tokenRedeemCommand(file, withCost(flags)),
  );
}

/** Adds `join`. */
export function addJoin(program: Command): void {
  addRedeemFlags(
    program
      .command('join <LINE...>')
      .description(
        'Link this site with a join line (- for standard input) or the URL of a grant; safe to repeat',
      ),
  ).action(async (words: string[], flags) =>
    (await import('./token-redeem.js')).joinCommand(words.join(' '), withCost(flags)),
  );
}

function addRedeemFlags(command: Command): Command {
  const redeem = addTarget(command)
    .option(
      '--retry',
      'repeat the request after an unknown outcome, a refusal or a damaged stored file; may spend another use',
    )
    .option(
      '--key <FILE>',
      'private key of the request that the token was issued for, if another program made the request',
    )
    .addOption(DRY_RUN('check what the redemption needs; spend no use and write nothing'))
    .addOption(waitOption('none'))
    .addOption(deadlineOption());
  return addConnectionFlags(addIdentityFlags(redeem)).addOption(OUTPUT());
}
