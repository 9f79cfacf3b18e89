import { type Command, Option } from 'commander';
import { OBSERVER_SETTINGS } from '../../config/setting-groups.js';
import { addConnectionFlags, addListFlags, DRY_RUN, OUTPUT, withSettings } from '../flags/command-flags.js';
import { ENDPOINT_ROLES } from '../grant/policy-flags.js';
import {
  ADMINISTRATION_SETTINGS,
  CLUSTER_SETTINGS,
  collect,
  STORE_SETTINGS,
} from '../terminal/settings-options.js';
import {
  addPlace,
  addReload,
  deadlineOption,
  LOCATION_SETTINGS,
  waitOption,
  withCost,
} from './target-flags.js';

function addLocation(command: Command, settings = LOCATION_SETTINGS): Command {
  return withSettings(
    command.option(
      '--dir <DIR>',
      "directory of the Link and Secret files (default: the namespace's input/resources)",
    ),
    settings,
  );
}

/** Adds `--cost`, as Skupper calls it, and `--link-cost`. */
function addCost(command: Command): Command {
  return command
    .addOption(new Option('--cost <N>', 'cost of the link'))
    .addOption(new Option('--link-cost <N>').hideHelp());
}

/** Adds the commands that answer a request without a network, and accept the answer. */
function addIssueAndAccept(link: Command): void {
  withSettings(
    link
      .command('issue [ANSWER]')
      .description(
        'On the accepting side: answer the request of a site without a network, in the file ANSWER (default: standard output). The answer is no secret',
      )
      .requiredOption(
        '--request <FILE>',
        'certificate request of the other site: a file, its line, or - for standard input',
      )
      .option('--grant <NAME>', 'redeem a use of this grant (default: a new grant for one redemption)')
      .option('--name <NAME>', "name of the link (default: the grant's)")
      .option('--subject <SUBJECT>', 'subject of the certificate (default: the common name of the request)')
      .option(
        '--replaces <REDEMPTION>',
        'revoke this link, and issue one with its subject, labels and note (id, at least its first four digits, or subject)',
      ),
    [...ADMINISTRATION_SETTINGS, 'issuerCert', 'issuerKey'],
  ).action(async (file, flags) => (await import('./link-issue.js')).linkIssueCommand(file, flags));
  withSettings(
    addPlace(
      link
        .command('accept <ANSWER>')
        .description(
          'Write the Link and Secret of the answer to a request of this site (- for standard input); safe to repeat',
        )
        .option(
          '--ca-sha256 <HEX>',
          'SHA-256 of a CA that the answer may have, as the other side shows it; may be repeated. Without it, the command asks',
          collect,
        )
        .option('--yes', 'accept the CA of the answer without a comparison')
        .option(
          '--renew-at <ORIGIN>',
          'origin of the service that may renew the link, such as https://HOST:PORT (default: the link is not renewed)',
        )
        .option('--key <FILE>', 'private key of the request, if another program made it')
        .addOption(waitOption('none'))
        .addOption(deadlineOption())
        .addOption(OUTPUT()),
    ),
    LOCATION_SETTINGS,
  ).action(async (file, flags) =>
    (await import('./link-accept.js')).linkAcceptCommand(file, withCost(flags)),
  );
}

/** Adds `link` with its subcommands. */
export function addLink(program: Command): void {
  const link = program.command('link').description('Create, check, update and delete the links of this site');
  addListFlags(
    addLocation(
      link
        .command('status [NAME]')
        .description("Show this site's outgoing links and their certificates, and its incoming links"),
      [...LOCATION_SETTINGS, 'store', ...OBSERVER_SETTINGS],
    ),
  ).action(async (name, flags) => (await import('./link-status.js')).linkStatusCommand(name, flags));
  addConnectionFlags(
    addLocation(
      link
        .command('check [NAME]')
        .description("Connect to each endpoint with the link's credentials and report failures"),
    ),
  )
    .addOption(OUTPUT())
    .action(async (name, flags) => (await import('./link-check.js')).linkCheckCommand(name, flags));
  withSettings(
    link
      .command('request [FILE]')
      .description(
        'Make a key for a link and print its certificate request. The other side issues a token for it. The request and the token are no secrets',
      )
      .option(
        '--subject <SUBJECT>',
        "subject of the certificate (default: the site's uid, else the name of the host)",
      )
      .option('--line', 'print the request as one word, for a chat or the phone')
      .option('--qr', 'also draw the line as a QR code, on standard error')
      .option('--list', 'list the waiting requests of this site')
      .option('--delete', 'delete the waiting request for the subject, with its key')
      .addOption(OUTPUT()),
    LOCATION_SETTINGS,
  ).action(async (file, flags) => (await import('./link-request.js')).linkRequestCommand(file, flags));
  addIssueAndAccept(link);
  const generate = addCost(
    link
      .command('generate [NAME]')
      .description('Create and record a Link and a Secret with a new credential for one peer'),
  )
    .option('--to <DIR>', 'directory for the two files, or - for standard output', '-')
    .option('--subject <SUBJECT>', 'subject of the certificate (default: the name)')
    .option('--issuer <NAME>', "CA that signs (default: the site's)")
    .option(...ENDPOINT_ROLES);
  withSettings(generate, [
    ...STORE_SETTINGS,
    ...CLUSTER_SETTINGS,
    'skupperHome',
    'host',
    'endpoint',
    'issuerCert',
    'issuerKey',
  ]).action(async (name, flags) =>
    (await import('./link-generate.js')).linkGenerateCommand(name, withCost(flags)),
  );
  addReload(addLocation(addCost(link.command('update <NAME>').description('Change fields of a link'))))
    .option('--tls-credentials <NAME>', 'name of the Secret with its credentials')
    .addOption(DRY_RUN())
    .addOption(waitOption('ready'))
    .addOption(deadlineOption())
    .action(async (name, flags) =>
      (await import('./link-update.js')).linkUpdateCommand(name, withCost(flags)),
    );
  addConnectionFlags(
    addReload(
      addLocation(
        link
          .command('renew [NAME]')
          .description(
            'Renew the certificate of the named link now, or with --all each certificate that is due',
          ),
      ),
    ),
  )
    .option('--all', 'renew each link whose certificate has a third of its lifetime or less left')
    .option(
      '--within <DURATION>',
      'renew only certificates that expire within this time, such as 10d; replaces the limit of --all',
    )
    .option('--renewal-url <URL>', 'renewal URL for the named link; overrides the one in its Secret')
    .option('--server-ca <FILE>', 'PEM file with the CA of the server at --renewal-url')
    .option(
      '--yes',
      'confirm on a terminal that a certificate of more than 30 days is replaced by one of 30 days',
    )
    .addOption(OUTPUT())
    .action(async (name, flags) => (await import('./link-renew.js')).linkRenewCommand(name, flags));
  addReload(
    addLocation(
      link
        .command('delete <NAME>')
        .description(
          'Delete a link, its Secrets, and the stored key and response of its redemption. A copy of the credential can still connect until its certificate expires or the accepting side cuts it off',
        ),
    ),
  )
    .addOption(DRY_RUN())
    .action(async (name, flags) => (await import('./link-delete.js')).linkDeleteCommand(name, flags));
}
