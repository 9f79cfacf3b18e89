import { useState } from 'preact/hooks';
import { formatFingerprint } from '../../../src/domain/fingerprint.js';
import { encodeResource } from '../../../src/domain/resource-encoding.js';
import { shellWord } from '../../../src/domain/shell-words.js';
import type { Api } from '../api/client.js';
import { Button } from '../components/button.js';
import { Copyable } from '../components/copyable.js';
import { Details } from '../components/details.js';
import { Dialog } from '../components/dialog.js';
import { download } from '../components/download.js';
import { Choice } from '../components/field.js';
import { Notice } from '../components/notice.js';
import { QrCode } from '../components/qr-code.js';
import { countText, Mono, visible } from '../components/text.js';
import { Time, TimeLeft } from '../components/time.js';
import { JoinStatus, useJoinProgress } from './join-progress.js';

interface IssuedTokenProps {
  readonly grant: Api['GrantDetail'];
  readonly issued: Api['IssuedToken'];
  readonly onClose: () => void;
}

const FILE = 'token.yaml';
/** The end of a sentence: the data directory in which a site redeems a bound token, or accepts an answer. */
export const ORIGIN_OF_KEY = ', with the same --data-dir as linkgrant link request, if it had one';

/**
 * The ways to redeem the token on a site: linkgrant with `flags`, or `command`, which reads the token from a file. The site runs
 * `linkgrant` even if this service runs by npx: outside a checkout, npx would run any package of that name in the registry.
 */
const WAYS: readonly {
  readonly value: string;
  readonly text: string;
  readonly flags?: string;
  readonly command?: string;
}[] = [
  { value: 'files', text: 'linkgrant, which writes Link and Secret to files', flags: '--to links' },
  { value: 'podman', text: 'linkgrant beside a Podman site', flags: '--platform podman' },
  { value: 'docker', text: 'linkgrant beside a Docker site', flags: '--platform docker' },
  { value: 'linux', text: 'linkgrant beside a Linux site', flags: '--platform linux' },
  { value: 'namespace', text: 'linkgrant in a Kubernetes namespace', flags: '--platform kubernetes' },
  { value: 'kubernetes', text: 'Skupper on Kubernetes', command: `kubectl apply -f ${FILE}` },
  { value: 'skupper', text: 'The skupper command', command: `skupper token redeem ${FILE}` },
];

/** Shows a token once, how to redeem it, and the join progress. Warns before it closes if the token was not copied. */
export function IssuedToken({ grant, issued, onClose }: IssuedTokenProps) {
  const { joinLine } = issued;
  const [way, setWay] = useState(joinLine ? 'files' : 'kubernetes');
  // As the command `token issue` does: the default subject would be the same on all sites, or be refused by a rule.
  const isForSeveral = Math.max(issued.redemptionsAllowed, grant.redemptionsAllowed) > 1;
  const needsSubject =
    !issued.subject && (isForSeveral || grant.policy?.['linkgrant/subjects'] !== undefined);
  const subject = needsSubject ? ' --subject SITE' : '';
  const { flags, command = `linkgrant token redeem ${FILE} ${flags}${subject}` } =
    WAYS.find(({ value }) => value === way) ?? {};
  // Skupper's clients cannot redeem a token that is bound to a key.
  const ways = issued.keySha256 ? WAYS.filter((each) => each.flags) : WAYS;
  const [isCopied, setCopied] = useState(false);
  const [isWarned, setWarned] = useState(false);
  const [earlierAttempts] = useState(grant.attempts);
  const progress = useJoinProgress(issued, earlierAttempts);
  const yaml = encodeResource({ ...issued.token });
  const canClose = isCopied || progress.links.length > 0;
  const isUsedUp = progress.links.length >= issued.redemptionsAllowed;
  const markCopied = () => setCopied(true);
  const close = () => {
    if (canClose || isWarned) onClose();
    else setWarned(true);
  };
  return (
    <Dialog
      title={`Token of grant ${visible(grant.name)}`}
      onClose={close}
      warnOfLoss={canClose ? undefined : () => setWarned(true)}
      footer={
        <Button kind={canClose ? 'primary' : 'secondary'} onClick={close}>
          {isWarned && !canClose ? 'Close without the token' : 'Done'}
        </Button>
      }
    >
      {isWarned && !canClose && (
        <Notice kind="danger" title="You have not copied or saved the token" isLive>
          <p>It cannot be shown again. Copy it, or close the dialog and issue another one later.</p>
        </Notice>
      )}
      {!isUsedUp && <Fingerprints issued={issued} />}
      <JoinStatus grant={grant} issued={issued} progress={progress} />
      {!isUsedUp && (
        <>
          <p>
            This token is shown only now. With it {countText(issued.redemptionsAllowed, 'site')} can join
            {issued.subject && <> as {visible(issued.subject)}</>}
            {issued.expirationTime && (
              <>
                {' '}
                until <Time at={issued.expirationTime} />. Time left: <TimeLeft at={issued.expirationTime} />
              </>
            )}
            .{' '}
            {issued.keySha256
              ? 'It is no secret: only the site with this key can redeem it.'
              : 'It is a secret: send it over a channel that you trust.'}
          </p>
          <Choice
            label="How does the site join?"
            value={way}
            options={ways.map(({ value, text }) => [value, text] as const)}
            onInput={setWay}
          />
          {needsSubject && flags && (
            <p>Replace SITE with your name for the site. Each site needs a subject of its own.</p>
          )}
          {joinLine && flags ? (
            <JoinLine
              line={joinLine}
              flags={`${flags}${subject}`}
              isBound={issued.keySha256 !== undefined}
              onCopy={markCopied}
            />
          ) : (
            <TokenFile yaml={yaml} command={command} onCopy={markCopied} />
          )}
        </>
      )}
    </Dialog>
  );
}

/** Shows what both sites have to compare if the token is bound to a key. */
function Fingerprints({ issued: { keySha256, caSha256 } }: Pick<IssuedTokenProps, 'issued'>) {
  if (!keySha256 || !caSha256) return null;
  return (
    <>
      <p>Compare both with the other site before you send the token, for example on the phone.</p>
      <Details
        entries={[
          ['SHA-256 of the key', <Mono key="key" text={formatFingerprint(keySha256)} />],
          ['SHA-256 of the CA of the service', <Mono key="ca" text={formatFingerprint(caSha256)} />],
        ]}
      />
    </>
  );
}

interface JoinLineProps {
  readonly line: string;
  readonly flags: string;
  /** True if the key of the token is in the data directory of the site. */
  readonly isBound: boolean;
  readonly onCopy: () => void;
}

function JoinLine({ line, flags, isBound, onCopy }: JoinLineProps) {
  return (
    <>
      <p>Run this on the site{isBound && ORIGIN_OF_KEY}. It contains the token.</p>
      <Copyable
        label="Command for the site"
        text={`linkgrant join ${shellWord(line)} ${flags}`}
        onCopy={onCopy}
      />
      <details>
        <summary>QR code of the join line, for a device that has a camera</summary>
        <div class="inset">
          <QrCode text={line} label="The join line as a QR code" />
        </div>
      </details>
    </>
  );
}

interface TokenFileProps {
  readonly yaml: string;
  readonly command: string;
  readonly onCopy: () => void;
}

function TokenFile({ yaml, command, onCopy }: TokenFileProps) {
  return (
    <>
      <div>
        <p>
          <strong>1.</strong> Save the token on the site as <code>{FILE}</code>.
        </p>
        <Copyable label="Token" text={yaml} onCopy={onCopy} />
        <Button
          onClick={() => {
            download(FILE, 'application/yaml', yaml);
            onCopy();
          }}
        >
          Download {FILE}
        </Button>
      </div>
      <div>
        <p>
          <strong>2.</strong> Run this on the site.
        </p>
        <Copyable label="Command for the site" text={command} />
      </div>
    </>
  );
}
