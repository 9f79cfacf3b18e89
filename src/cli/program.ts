import type { Command } from 'commander';
import { commandContext, programName } from '../config/command-context.js';
import { OBSERVER_SETTINGS } from '../config/setting-groups.js';
import { version } from '../config/version.js';
import { addBootstrap } from './bootstrap/bootstrap-commands.js';
import { addConfig } from './config/config-commands.js';
import { addConsole } from './console/console-commands.js';
import { addDoctor } from './doctor/doctor-commands.js';
import { examplesText } from './examples.js';
import { OUTPUT, withSettings } from './flags/command-flags.js';
import { addGrant } from './grant/grant-commands.js';
import { addIssuer } from './issuer/issuer-commands.js';
import { addLedger } from './ledger/ledger-commands.js';
import { addLink } from './link/link-commands.js';
import { addLogin } from './login/login-commands.js';
import { OTHER_NAMES } from './other-names.js';
import { addRedemption } from './redemption/redemption-commands.js';
import { addHealth, addServe } from './serve/serve-commands.js';
import { addStore } from './store/store-commands.js';
import { groupItems } from './terminal/option-groups.js';
import { withProgramName } from './terminal/program-name.js';
import { ADMINISTRATION_SETTINGS, CLUSTER_SETTINGS } from './terminal/settings-options.js';
import { StrictCommand } from './terminal/strict-command.js';
import { writeOut } from './terminal/write-out.js';
import { addJoin, addToken } from './token/token-commands.js';

function addCompletion(program: Command): void {
  program
    .command('completion <SHELL>')
    .description('Print the completion script for bash, zsh or fish')
    .action(async (shell) => {
      await writeOut((await import('./completion.js')).completionScript(program, shell));
    });
  program
    .command('__complete', { hidden: true })
    .argument('<LINE>')
    .description('Print the names that can complete a command line')
    .action(async (line) => {
      const names = await (await import('./completion-names.js')).namesForLine(program, line);
      await writeOut(names.map((name) => `${name}\n`).join(''));
    });
}

function addUninstall(program: Command): void {
  withSettings(
    program.command('uninstall').description('Delete what a removed service left in its namespace'),
    ['namespace', 'platform', ...CLUSTER_SETTINGS],
  )
    .option('-A, --all-namespaces', 'report the redeemable grants of every namespace')
    .option('--with-crd', 'also delete the CRD, and with it every Redemption')
    .option('--dry-run', 'show what would be deleted')
    .option('--yes', 'confirm the deletion')
    .addOption(OUTPUT())
    .action(async (flags) => (await import('./uninstall.js')).uninstallCommand(flags));
}

function addStatus(program: Command): void {
  withSettings(
    program
      .command('status')
      .description(
        'Show the service, grants and links, and what needs attention; to find out why a link fails, use doctor',
      ),
    [...ADMINISTRATION_SETTINGS, ...OBSERVER_SETTINGS],
  )
    .option('-A, --all-namespaces', 'in all namespaces; only needed in a cluster')
    .addOption(OUTPUT())
    .action(async (flags) => (await import('./status.js')).statusCommand(flags));
}

/** Creates the command line. The code of a command is loaded when it runs, so that help starts quickly. */
export function createProgram(): Command {
  const program = new StrictCommand(programName(), OTHER_NAMES)
    .description('Link token redemption service for Skupper v2 networks')
    .version(version(), '-V, --version', 'print the version')
    .helpCommand('help [command]', 'Show help for a command')
    .helpOption('-h, --help', 'show help')
    .showHelpAfterError('hint: add --help to show the usage')
    .configureOutput({
      writeOut: (text) => commandContext().stdout.write(text),
      writeErr: (text) => commandContext().stderr.write(text),
      // Commander writes a suggestion on a line of its own, between the error and the hint.
      outputError: (text, write) => write(text.replace(/\n\((Did you mean .+)\)/, ' ($1)')),
    })
    .configureHelp({ sortOptions: false, groupItems })
    .exitOverride();
  addServe(program);
  addStatus(program);
  addConsole(program);
  addLogin(program);
  addGrant(program);
  addToken(program);
  addJoin(program);
  addLink(program);
  addBootstrap(program);
  addRedemption(program);
  addLedger(program);
  addIssuer(program);
  addStore(program);
  addConfig(program);
  addHealth(program);
  addUninstall(program);
  addCompletion(program);
  program
    .command('version')
    .description('Print the version')
    .action(() => writeOut(`${version()}\n`));
  addDoctor(program);
  addExamples(program, '');
  return program;
}

function addExamples(command: Command, path: string): void {
  command.addHelpText('before', () => withProgramName(examplesText(path)));
  for (const child of command.commands) addExamples(child, `${path} ${child.name()}`.trim());
}
