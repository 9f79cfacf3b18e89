import type { CutStep } from '../../redemption/issuers/cut-link.js';

/** What the router that accepts the links runs on. */
export const ROUTER_PLATFORMS = ['standalone', 'podman', 'docker', 'linux', 'kubernetes'] as const;

/** One of {@link ROUTER_PLATFORMS}. */
export type RouterPlatform = (typeof ROUTER_PLATFORMS)[number];

/** What a cut is about, as instructions name it. */
export interface CutPlace {
  readonly router: RouterPlatform;
  /** Name of the issuer. */
  readonly issuer: string;
  /** True where linkgrant changes its CAs. */
  readonly isOurs: boolean;
  /** Skupper's directory of the namespace, on Podman, Docker and Linux. */
  readonly directory: string;
  readonly namespace: string;
  /** The files with the CAs that stay, where they are ours; the one that signs first. */
  readonly staying: readonly string[];
}

type Instructions = Readonly<Record<CutStep, (place: CutPlace) => readonly string[]>>;

const BOTH = 'the CA that signs now and the new one';
const RENEWALS = [
  'Each of these links gets a certificate of the new CA when it renews: by itself at two thirds of its life where something',
  'renews it, or at once with `linkgrant link renew NAME` on its site. One that nothing renews needs a new token.',
];

const makeCa = ({ isOurs }: CutPlace) =>
  isOurs ? [] : ['Make a new CA, one that may sign certificates of TLS clients; it signs nothing yet.'];
const trustOf = ({ isOurs, issuer }: CutPlace) =>
  isOurs ? `\`linkgrant issuer trust ${issuer}\` prints both` : BOTH;
const newAlone = ({ staying }: CutPlace) =>
  staying.length === 0 ? 'the new CA alone' : `what \`cat ${staying.join(' ')}\` prints`;
const serverCertificate = ({ isOurs, issuer }: CutPlace) =>
  isOurs
    ? `linkgrant issuer server-certificate --issuer ${issuer} --host HOST --to DIR`
    : 'a server certificate of the new CA for the same names';

const RELOAD_PROFILE =
  'Then restart the router, or have it read the files: `skmanage update --type sslProfile --name PROFILE ordinal=N`, N one higher than before.';
const RAISE_ORDINALS =
  'Restart the router, or end the connections of before: `skmanage update --type sslProfile --name PROFILE ordinal=N oldestValidOrdinal=N`, N one higher than before.';

/** A router with files of its own: its sslProfile names them. */
const STANDALONE: Instructions = {
  'trust-new': (place) => [
    ...makeCa(place),
    `Let the router trust both: ${trustOf(place)}, for the caCertFile of the sslProfile of its listeners.`,
    RELOAD_PROFILE,
  ],
  'sign-new': () => [
    'Let the new CA sign: put its certificate, with the one of the old CA behind it, and its key into the files of',
    '--issuer-cert and --issuer-key. The service follows by itself.',
  ],
  renew: () => RENEWALS,
  rehearse: () => [
    'Let every link connect once more while both CAs are trusted, so that a link that would not come back is seen now.',
    RAISE_ORDINALS,
    '`skstat -c` on the router shows the links that are there.',
  ],
  'server-certificate': (place) => [
    `Give the router ${place.isOurs ? 'a certificate of the new CA:' : serverCertificate(place)}`,
    ...(place.isOurs ? [`  ${serverCertificate(place)}`] : []),
    'Put tls.crt and tls.key where certFile and privateKeyFile of the sslProfile are; leave caCertFile as it is.',
    RELOAD_PROFILE,
  ],
  'distrust-old': (place) => [
    `Let the router trust the new CA alone: ${newAlone(place)}, for the caCertFile of its sslProfile.`,
    RAISE_ORDINALS,
    'Every link connects once more, and those with a certificate of the old CA stay away.',
    ...(place.isOurs ? [] : ['Then take the old CA out of the file of --issuer-cert.']),
  ],
};

const reload = ({ namespace, router }: CutPlace) =>
  `Then reload the site: skupper system reload -n ${namespace} -p ${router}`;
const CREDENTIALS = 'NAME is what the RouterAccess says in tlsCredentials, else its own name.';

/** A site of Skupper's on this machine: what people put into `input/` takes the place of what Skupper makes. */
const SYSTEM: Instructions = {
  'trust-new': (place) => [
    ...makeCa(place),
    `Copy tls.crt and tls.key from ${place.directory}/runtime/certs/NAME to ${place.directory}/input/certs/NAME, with a`,
    `ca.crt beside them that holds ${BOTH}. ${CREDENTIALS}`,
    reload(place),
  ],
  'sign-new': (place) => [
    `Let the new CA sign: put its tls.crt, tls.key and ca.crt into ${place.directory}/input/issuers/${place.issuer}.`,
    reload(place),
    'The service follows by itself.',
  ],
  renew: () => RENEWALS,
  rehearse: (place) => [
    'Let every link connect once more while both CAs are trusted, so that a link that would not come back is seen now.',
    `${reload(place)}, which restarts its router; \`skupper link status\` of each other site shows its link.`,
  ],
  'server-certificate': (place) => [
    `Put ${serverCertificate({ ...place, isOurs: false })} into ${place.directory}/input/certs/NAME (tls.crt and tls.key),`,
    'and leave ca.crt as it is.',
    reload(place),
  ],
  'distrust-old': (place) => [
    `Leave the new CA alone in ca.crt of ${place.directory}/input/certs/NAME, and in ca.crt and tls.crt of`,
    `${place.directory}/input/issuers/${place.issuer}.`,
    reload(place),
    'Every link connects once more, and those with a certificate of the old CA stay away.',
  ],
};

const SECRET = 'the Secret that the RouterAccess names in tlsCredentials';

/** A router on Kubernetes: Skupper's controller raises the ordinal of its profile when the Secret's data change. */
const KUBERNETES: Instructions = {
  'trust-new': (place) => [
    ...makeCa(place),
    `Put both into ca.crt of ${SECRET}: ${trustOf(place)}. The controller tells the router.`,
  ],
  'sign-new': STANDALONE['sign-new'],
  renew: () => RENEWALS,
  rehearse: () => [
    'Let every link connect once more while both CAs are trusted, so that a link that would not come back is seen now:',
    '  kubectl annotate secret NAME skupper.io/tls-prior-valid-revisions=0 --overwrite',
    `NAME is ${SECRET}. From then on each change of its data ends the connections of before; change it once`,
    'now, for example by an empty line at the end of its ca.crt.',
  ],
  'server-certificate': (place) => [
    `Put ${place.isOurs ? 'a certificate of the new CA' : serverCertificate(place)} into tls.crt and tls.key of ${SECRET},`,
    'and leave ca.crt as it is.',
    ...(place.isOurs ? [`  ${serverCertificate(place)}`] : []),
  ],
  'distrust-old': (place) => [
    `Leave ${newAlone(place)} in ca.crt of ${SECRET}, whose annotation`,
    'skupper.io/tls-prior-valid-revisions is still 0. Every link connects once more, and those with a certificate of the old',
    'CA stay away. Then take the annotation away.',
  ],
};

/** What whoever keeps the router has to do in a step, line by line. */
export function cutInstructions(step: CutStep, place: CutPlace): readonly string[] {
  const instructions =
    place.router === 'standalone' ? STANDALONE : place.router === 'kubernetes' ? KUBERNETES : SYSTEM;
  return instructions[step](place);
}
