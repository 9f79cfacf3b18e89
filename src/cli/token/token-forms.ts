import { basename } from 'node:path';
import { encodeResource } from '../../domain/resource-encoding.js';
import { operand, shellCommand, shellWord } from '../../domain/shell-words.js';
import { packagedFile } from '../../files/packaged-files.js';
import type { IssuedToken } from '../../redemption/administration/reports/token-report.js';
import { CommandError } from '../terminal/command-error.js';

/** The forms in which a token is written: the AccessToken in YAML, its join line, or what to run on the other site. */
export const TOKEN_FORMS = ['token', 'line', 'command', 'kubectl', 'job', 'cloud-init', 'quadlet'] as const;

/** One of {@link TOKEN_FORMS}. */
export type TokenForm = (typeof TOKEN_FORMS)[number];

/** Where a token is written, and in which form. */
export interface TokenDelivery {
  /** A file, or `-` for standard output. With `count` a directory, or `-`. */
  readonly target: string;
  /** Number of signed tokens. */
  readonly count?: number | undefined;
  readonly form: TokenForm;
  /** True if the join line is also drawn as a QR code. */
  readonly qr: boolean;
  /** True if the token is not written. */
  readonly dryRun: boolean;
}

/** The flags for the form of a written token. */
export interface TokenDeliveryFlags {
  readonly print?: TokenForm;
  readonly qr?: boolean;
  readonly dryRun?: boolean;
}

/** A token to write. */
export type WritableToken = Pick<IssuedToken, 'token' | 'joinLine'>;

/** Returns the delivery to `file`, by default as AccessToken; without `file` to standard output, by default as join line. */
export function tokenDelivery(
  file: string | undefined,
  { print, qr = false, dryRun = false }: TokenDeliveryFlags = {},
): TokenDelivery {
  return { target: file ?? '-', form: print ?? (file === undefined ? 'line' : 'token'), qr, dryRun };
}

/** Returns the text of a token in a form. Throws a CommandError if the form has a join line and the code is too long for one. */
export function tokenText(form: TokenForm, token: WritableToken): string {
  switch (form) {
    case 'token':
      return documentOf(token);
    case 'line':
      return `${requireJoinLine(token)}\n`;
    case 'command':
      return `${shellCommand(['linkgrant', 'join', requireJoinLine(token), '--to', 'links'])}\n`;
    case 'kubectl':
      return `kubectl apply -f - ${hereDocument(documentOf(token))}`;
    case 'job':
      return `${jobSecret(token)}---\n${deployFile('job.yaml')}`;
    case 'cloud-init':
      return deployFile('cloud-init.yaml').replace('THE-JOIN-LINE', () => requireJoinLine(token));
    case 'quadlet':
      return quadletScript(requireJoinLine(token));
  }
}

// `redeem` and `join` require one of these flags.
const TARGET_FLAGS = 'with --to DIRECTORY, or with --platform and the platform of the site';

/**
 * Returns what to do on the other site with a written token, as a line. With `needsSubject` each command has a flag for the subject:
 * the default subject could be the same on all sites, or be refused by a rule of the grant.
 */
export function nextStep({ target, form, count }: TokenDelivery, needsSubject: boolean): string {
  const subject = needsSubject ? ' --subject SITE' : '';
  const site = needsSubject ? '; SITE is your name for that site' : '';
  const redeem = (file: string) => `run \`linkgrant token redeem ${file}${subject}\` ${TARGET_FLAGS}${site}`;
  if (count !== undefined && target !== '-') {
    return `Next, on each other site: copy one of these AccessTokens, then ${redeem('FILE')}\n`;
  }
  const file = target === '-' ? '-' : shellWord(operand(basename(target)));
  const steps: Record<TokenForm, string> = {
    token: `copy this AccessToken, then ${redeem(file)}`,
    line:
      target === '-'
        ? `run \`linkgrant join LINE${subject}\` with this line, and ${TARGET_FLAGS}${site}`
        : `copy this file, then ${redeem(file)}`,
    command: `run this command${subject && ` with${subject}`}; at a Skupper site, replace \`--to links\` with --platform and the platform of the site${site}`,
    kubectl:
      'run this command with the context and namespace of that site; its Skupper controller redeems the token',
    job: 'set the image of the Job, and apply this in the namespace of that site',
    'cloud-init': 'set this as the user data of the machine',
    quadlet: 'set the image, and run this as the user of that site',
  };
  return `Next, on the other site: ${steps[form]}\n`;
}

/** Returns the uses and the expiry of a token, as the end of a sentence. */
export function limitsOf({
  redemptionsAllowed,
  expirationTime,
}: {
  readonly redemptionsAllowed: number;
  readonly expirationTime?: string;
}): string {
  const uses = redemptionsAllowed === 1 ? 'once' : `${redemptionsAllowed} times`;
  return `${uses}${expirationTime === undefined ? '' : `, until ${expirationTime}`}`;
}

/** Returns the join line of a token. Throws a CommandError if the code is too long for a join line. */
export function requireJoinLine({ joinLine }: WritableToken): string {
  if (joinLine !== undefined) return joinLine;
  throw new CommandError('the code of this token is too long for a join line', {
    exitCode: 1,
    hint: 'write an AccessToken: name a FILE, or use --print token',
  });
}

function documentOf({ token }: WritableToken): string {
  return encodeResource({ ...token });
}

// The Job reads the token from a mounted Secret with these keys.
function jobSecret({ token: { metadata, spec } }: WritableToken): string {
  const { url, code, ca, linkCost } = spec;
  const texts = { name: metadata.name, url, code, ca };
  const stringData = { ...texts, ...(linkCost !== undefined && { linkCost: String(linkCost) }) };
  return encodeResource({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'linkgrant-token' },
    type: 'Opaque',
    stringData,
  });
}

function quadletScript(line: string): string {
  const unit = deployFile('linkgrant-bootstrap.container');
  return `podman secret create --replace linkgrant-token-east - ${hereDocument(`${line}\n`)}mkdir -p ~/.config/containers/systemd
cat >~/.config/containers/systemd/linkgrant-bootstrap.container ${hereDocument(unit)}systemctl --user daemon-reload
systemctl --user enable --now linkgrant-reload@east.path
systemctl --user start linkgrant-bootstrap.service
`;
}

/** Returns the operator and the lines of a here-document, which ends at the first line that is its mark. */
function hereDocument(text: string): string {
  let mark = 'EOF';
  while (text.split('\n').includes(mark)) mark += '_';
  return `<<'${mark}'\n${text}${mark}\n`;
}

/** Returns a file of deploy/bootstrap without the comment at its beginning, which describes how to fill it in. */
function deployFile(name: string): string {
  const text = packagedFile(`deploy/bootstrap/${name}`).toString();
  return text.replace(/^(#cloud-config\n)?(# .*\n)+/, '$1');
}
