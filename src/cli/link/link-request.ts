import { hostname } from 'node:os';
import { basename } from 'node:path';
import { encodeRequestLine } from '../../codes/request-line.js';
import { openRequestingSite, requestDirectory } from '../../compose/token-redemption.js';
import type { Settings } from '../../config/setting-schemas.js';
import { operand, shellWord } from '../../domain/shell-words.js';
import { requireReplaceable, writeNamedFile } from '../../files/named-output.js';
import { MAX_COMMON_NAME_LENGTH } from '../../pki/distinguished-name.js';
import { encodePem } from '../../pki/pem.js';
import { readCertificateRequest } from '../../redemption/administration/token-request.js';
import type { LinkRequestStore } from '../../redemption/ports/link-requests.js';
import {
  ensureLinkRequest,
  type LinkRequest,
  listLinkRequests,
  removeLinkRequest,
} from '../../redemption/requesting/waiting-requests.js';
import { requireSubject } from '../flags/flag-values.js';
import { configurationFrom } from '../session/configuration.js';
import { CommandError, usageError } from '../terminal/command-error.js';
import { formatFingerprint, print, table } from '../terminal/output.js';
import type { OutputFormat } from '../terminal/output-format.js';
import { plain } from '../terminal/plain-text.js';
import { drawQrCode } from '../terminal/qr-code.js';
import { completeCommand } from '../terminal/suggested-command.js';
import { withTargetErrors } from '../terminal/target-errors.js';
import { writeOut, writeStderr, writeStderrLines } from '../terminal/write-out.js';
import { keyLine } from '../token/token-fingerprints.js';
import { openSettingsCluster } from './link-target.js';
import { requireKnownNamespace, siteNamespace } from './site-namespace.js';

const TARGET_HINT = 'use a new path in an existing, writable directory, or - for standard output';

/** The flags of `link request`. */
export interface LinkRequestFlags {
  readonly subject?: string;
  /** Prints the request as one word instead of PEM. */
  readonly line?: boolean;
  readonly qr?: boolean;
  readonly list?: boolean;
  readonly delete?: boolean;
  readonly output?: OutputFormat;
  readonly [setting: string]: unknown;
}

/** The waiting requests of a site, and its uid if it has one. */
interface RequestingParty {
  readonly store: LinkRequestStore;
  readonly platform: Settings['platform'];
  siteUid(): string | undefined | Promise<string | undefined>;
}

/** `link request`: prints the request of this site for a link, or lists or deletes those that wait for a token. */
export async function linkRequestCommand(file: string | undefined, flags: LinkRequestFlags): Promise<void> {
  refuseCombinations(file, flags);
  const { subject, list } = flags;
  if (subject !== undefined) requireCommonName(subject);
  const party = await openParty(flags);
  if (list) return printList(await listLinkRequests(party.store), flags.output);
  const requestSubject = subject ?? (await party.siteUid()) ?? hostname().slice(0, MAX_COMMON_NAME_LENGTH);
  if (flags.delete) return deleteRequest(requestSubject, party.store, flags.output);
  // Before the key is stored.
  if (isFile(file)) withTargetErrors(file, TARGET_HINT, () => requireReplaceable(file, isRequest));
  await writeRequest(await ensureLinkRequest(requestSubject, party.store), file, party, flags);
}

function refuseCombinations(file: string | undefined, flags: LinkRequestFlags): void {
  const { line, qr, list, subject, output } = flags;
  if (list && flags.delete) throw usageError('--list cannot be combined with --delete', 'use one of them');
  if ((list || flags.delete) && (file !== undefined || line || qr)) {
    throw usageError(
      '--list and --delete write no request',
      'omit FILE, --line and --qr; name the request to delete with --subject',
    );
  }
  if (list && subject !== undefined) throw usageError('--list shows every waiting request', 'omit --subject');
  if (file !== undefined && output !== undefined) {
    throw usageError('-o writes to standard output', 'omit FILE or -o');
  }
}

function requireCommonName(subject: string): void {
  requireSubject(subject);
  if ([...subject].length <= MAX_COMMON_NAME_LENGTH) return;
  throw usageError(
    `the subject of a request has at most ${MAX_COMMON_NAME_LENGTH} characters`,
    'use a shorter --subject',
  );
}

async function openParty(flags: LinkRequestFlags): Promise<RequestingParty> {
  const { settings } = configurationFrom(flags);
  const { platform, skupperHome, dataDir } = settings;
  if (platform === 'kubernetes') {
    const cluster = await openSettingsCluster(settings);
    return { store: cluster.linkRequests, platform, siteUid: async () => (await cluster.findSite())?.uid };
  }
  const store = requestDirectory(dataDir);
  if (platform === 'standalone') return { store, platform, siteUid: () => undefined };
  const namespace = siteNamespace(settings);
  requireKnownNamespace(skupperHome, namespace);
  return { store, platform, siteUid: () => openRequestingSite(skupperHome, namespace).uid() };
}

async function writeRequest(
  request: LinkRequest,
  file: string | undefined,
  { store, platform }: RequestingParty,
  flags: LinkRequestFlags,
): Promise<void> {
  const { line: asLine, qr, output } = flags;
  const { pem, line } = formsOf(request);
  const text = asLine ? `${line}\n` : pem;
  if (isFile(file)) withTargetErrors(file, TARGET_HINT, () => writeNamedFile(file, text, isRequest));
  else await print(output, reportOf(request), () => text, writeOut);
  if (qr) await drawQrCode(line);
  writeStderrLines([
    `Request of "${request.subject}"; its key stays in ${store.place}`,
    keyLine(request.keySha256),
    'The request is no secret. The other side should see the same fingerprint.',
  ]);
  const onOutput = asLine ? 'LINE' : '- with this request on standard input';
  const input = isFile(file) ? shellWord(operand(basename(file))) : onOutput;
  writeStderr(plain`Next, on the other side: linkgrant token issue --request ${input}\n`, {
    isForOtherSite: true,
  });
  const target = platform === 'standalone' ? ', with --to DIRECTORY' : '';
  writeStderr(plain`Then here: ${completeCommand('linkgrant join LINE', flags)}${target}\n`);
  writeStderr(
    'Without a network between them: linkgrant link issue there, with the same --request; then linkgrant link accept here\n',
  );
}

function isFile(file: string | undefined): file is string {
  return file !== undefined && file !== '-';
}

function formsOf({ csrDer }: LinkRequest): { readonly pem: string; readonly line: string } {
  // A request with a P-256 key and a subject of 64 characters always fits into a line.
  return { pem: encodePem('CERTIFICATE REQUEST', csrDer), line: encodeRequestLine(csrDer) ?? '' };
}

function reportOf(request: LinkRequest) {
  const { subject, keySha256 } = request;
  const { pem, line } = formsOf(request);
  return { subject, keySha256, request: pem, line };
}

/** True for the text of one request in either form, as this command writes it, and nothing else. */
function isRequest(text: string): boolean {
  try {
    return text === readCertificateRequest(text).pem || /^lgq1_\S+\n$/.test(text);
  } catch {
    return false;
  }
}

async function printList(requests: readonly LinkRequest[], output: OutputFormat): Promise<void> {
  await print(output, requests.map(reportOf), () =>
    requests.length === 0
      ? 'No request waits for a token.\n'
      : table(
          ['SUBJECT', 'KEY SHA-256'],
          requests.map(({ subject, keySha256 }) => [subject, formatFingerprint(keySha256)]),
        ),
  );
}

async function deleteRequest(subject: string, store: LinkRequestStore, output: OutputFormat): Promise<void> {
  if (await removeLinkRequest(subject, store)) {
    return print(
      output,
      { subject, deleted: true },
      () =>
        plain`Deleted the request of "${subject}"; a token that was issued for it can no longer be redeemed\n`,
    );
  }
  throw new CommandError(`no request of "${subject}" waits in ${store.place}`, {
    exitCode: 2,
    hint: '`linkgrant link request --list` shows the waiting requests; name one with --subject',
  });
}
