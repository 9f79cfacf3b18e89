import type { Settings } from '../../config/setting-schemas.js';
import { RENEWAL_NEEDS_TIMER } from '../../domain/issued-certificate.js';
import { operand, shell, shellCommand } from '../../domain/shell-words.js';
import type { CutStep } from '../../redemption/issuers/cut-link.js';

/** The router, issuer and files that the instructions of a cut name. */
export interface CutTarget {
  /** Platform of the router that accepts the links. */
  readonly router: Settings['platform'];
  /** Name of the issuer. */
  readonly issuer: string;
  /** True if linkgrant manages the CAs of the issuer. */
  readonly isOwn: boolean;
  /** Skupper's directory of the namespace, on Podman, Docker and Linux. */
  readonly directory: string;
  readonly namespace: string;
  /** If linkgrant manages the CAs: the files of those that remain, beginning with the CA that signs. */
  readonly remainingCaFiles: readonly string[];
}

type Instructions = Readonly<Record<CutStep, (target: CutTarget) => readonly string[]>>;

const OLD_AND_NEW_CA = 'the CA that signs now and the new one';
const RENEWALS = [
  'Each of these links gets a certificate of the new CA when it renews: at two thirds of its lifetime if a timer renews',
  'it, or at once with `linkgrant link renew NAME` on its site. A link that cannot be renewed needs a new token.',
  RENEWAL_NEEDS_TIMER,
];

const createCa = ({ isOwn }: CutTarget) =>
  isOwn ? [] : ['Create a new CA that may sign certificates of TLS clients. It signs nothing yet.'];
const trustOf = ({ isOwn, issuer }: CutTarget) =>
  isOwn ? shell`\`linkgrant issuer trust ${issuer}\` prints both` : OLD_AND_NEW_CA;
const onlyNewCa = ({ remainingCaFiles: files }: CutTarget) =>
  files.length === 0 ? 'only the new CA' : `what \`${shellCommand(['cat', ...files.map(operand)])}\` prints`;
const serverCertificate = ({ isOwn, issuer }: CutTarget) =>
  isOwn
    ? shell`linkgrant issuer server-certificate --issuer ${issuer} --host HOST --to DIR`
    : 'a server certificate of the new CA for the same names';

const RELOAD_PROFILE =
  'Then restart the router, or make it read the files: `skmanage update --type sslProfile --name PROFILE ordinal=N`, N one higher than before.';
const RAISE_ORDINALS =
  'Restart the router, or end the existing connections: `skmanage update --type sslProfile --name PROFILE ordinal=N oldestValidOrdinal=N`, N one higher than before.';

/** A router with files of its own: its sslProfile names them. */
const STANDALONE: Instructions = {
  'trust-new': (target) => [
    ...createCa(target),
    `Let the router trust both: ${trustOf(target)}; write them to the caCertFile of the sslProfile of its listeners.`,
    RELOAD_PROFILE,
  ],
  'sign-new': ({ isOwn }) =>
    isOwn
      ? ['The command itself makes the new CA sign.']
      : [
          'Make the new CA sign: put its certificate, followed by that of the old CA, and its key into the files of',
          '--issuer-cert and --issuer-key. The service reads them without a restart.',
        ],
  renew: () => RENEWALS,
  rehearse: () => [
    'Let every link connect once more while both CAs are trusted, to find a link that would not reconnect.',
    RAISE_ORDINALS,
    'Check the links with `skstat -c` on the router.',
  ],
  'server-certificate': (target) => [
    `Install on the router ${target.isOwn ? 'a certificate of the new CA:' : serverCertificate(target)}`,
    ...(target.isOwn ? [`  ${serverCertificate(target)}`] : []),
    'Put tls.crt and tls.key where certFile and privateKeyFile of the sslProfile are; leave caCertFile as it is.',
    RELOAD_PROFILE,
  ],
  'distrust-old': (target) => [
    `Make the router trust only the new CA: write ${onlyNewCa(target)} to the caCertFile of its sslProfile.`,
    RAISE_ORDINALS,
    'Every link connects once more, and the router refuses certificates of the old CA.',
    ...(target.isOwn ? [] : ['Then remove the old CA from the file of --issuer-cert.']),
  ],
};

const reload = ({ namespace, router }: CutTarget) =>
  `Then reload the site: skupper system reload -n ${namespace} -p ${router}`;
const CREDENTIALS = 'NAME is tlsCredentials of the RouterAccess, else the name of the RouterAccess.';

/** A Skupper site on this machine: files in `input/` take precedence over those that Skupper creates. */
const SYSTEM: Instructions = {
  'trust-new': (target) => [
    ...createCa(target),
    `Copy tls.crt and tls.key from ${target.directory}/runtime/certs/NAME to ${target.directory}/input/certs/NAME, with a`,
    `ca.crt beside them that holds ${OLD_AND_NEW_CA}. ${CREDENTIALS}`,
    reload(target),
  ],
  'sign-new': (target) => [
    `Make the new CA sign: put its tls.crt, tls.key and ca.crt into ${target.directory}/input/issuers/${target.issuer}.`,
    reload(target),
    'The service reads them without a restart.',
  ],
  renew: () => RENEWALS,
  rehearse: (target) => [
    'Let every link connect once more while both CAs are trusted, to find a link that would not reconnect.',
    `${reload(target)}, which restarts its router; \`skupper link status\` of each other site shows its link.`,
  ],
  'server-certificate': (target) => [
    `Put ${serverCertificate({ ...target, isOwn: false })} into ${target.directory}/input/certs/NAME (tls.crt and tls.key),`,
    'and leave ca.crt as it is.',
    reload(target),
  ],
  'distrust-old': (target) => [
    `Leave only the new CA in ca.crt of ${target.directory}/input/certs/NAME, and in ca.crt and tls.crt of`,
    `${target.directory}/input/issuers/${target.issuer}.`,
    reload(target),
    'Every link connects once more, and the router refuses certificates of the old CA.',
  ],
};

const SECRET = 'the Secret that the RouterAccess names in tlsCredentials';

/** A router on Kubernetes: Skupper's controller raises the ordinal of its profile when the Secret's data change. */
const KUBERNETES: Instructions = {
  'trust-new': (target) => [
    ...createCa(target),
    `Put both into ca.crt of ${SECRET}: ${trustOf(target)}. The controller updates the router.`,
  ],
  'sign-new': STANDALONE['sign-new'],
  renew: () => RENEWALS,
  rehearse: () => [
    'Let every link connect once more while both CAs are trusted, to find a link that would not reconnect:',
    '  kubectl annotate secret NAME skupper.io/tls-prior-valid-revisions=0 --overwrite',
    `NAME is ${SECRET}. From then on each change of its data ends the existing connections; change it once`,
    'now, for example by an empty line at the end of its ca.crt.',
  ],
  'server-certificate': (target) => [
    `Put ${target.isOwn ? 'a certificate of the new CA' : serverCertificate(target)} into tls.crt and tls.key of ${SECRET},`,
    'and leave ca.crt as it is.',
    ...(target.isOwn ? [`  ${serverCertificate(target)}`] : []),
  ],
  'distrust-old': (target) => [
    `Leave ${onlyNewCa(target)} in ca.crt of ${SECRET}, whose annotation`,
    'skupper.io/tls-prior-valid-revisions is still 0. Every link connects once more, and the router refuses',
    'certificates of the old CA. Then remove the annotation.',
  ],
};

/** Returns the lines that describe a step to the operator of the router. */
export function cutInstructions(step: CutStep, target: CutTarget): readonly string[] {
  const instructions =
    target.router === 'standalone' ? STANDALONE : target.router === 'kubernetes' ? KUBERNETES : SYSTEM;
  return instructions[step](target);
}
