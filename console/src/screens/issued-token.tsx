import { useState } from 'preact/hooks';
import { encodeResource } from '../../../src/domain/resource-encoding.js';
import type { Api } from '../api/client.js';
import { Button } from '../components/button.js';
import { Copyable } from '../components/copyable.js';
import { Dialog } from '../components/dialog.js';
import { download } from '../components/download.js';
import { Choice } from '../components/field.js';
import { Notice } from '../components/notice.js';
import { QrCode } from '../components/qr-code.js';
import { countText, visible } from '../components/text.js';
import { Time, TimeLeft } from '../components/time.js';
import { JoinStatus, useJoinProgress } from './join-progress.js';

interface IssuedTokenProps {
  readonly grant: Api['GrantDetail'];
  readonly issued: Api['IssuedToken'] & { readonly joinLine?: string };
  readonly onClose: () => void;
}

const FILE = 'token.yaml';

/** The value of the choice that needs no file. */
const JOIN_LINE = 'line';

/** What to run on a site with the token in a file, by what manages the site. */
const WAYS = [
  { value: 'kubernetes', text: 'Skupper on Kubernetes', command: `kubectl apply -f ${FILE}` },
  { value: 'skupper', text: 'The skupper command', command: `skupper token redeem ${FILE}` },
  {
    value: 'podman',
    text: 'linkgrant beside a Podman site',
    command: `linkgrant token redeem ${FILE} --platform podman`,
  },
  {
    value: 'docker',
    text: 'linkgrant beside a Docker site',
    command: `linkgrant token redeem ${FILE} --platform docker`,
  },
  {
    value: 'linux',
    text: 'linkgrant beside a Linux site',
    command: `linkgrant token redeem ${FILE} --platform linux`,
  },
  {
    value: 'files',
    text: 'linkgrant, Link and Secret as files',
    command: `linkgrant token redeem ${FILE} --to DIRECTORY`,
  },
];

/** A dialog that shows a token once, its instructions, and the join progress. Warns before it closes without a copy. */
export function IssuedToken({ grant, issued, onClose }: IssuedTokenProps) {
  const { joinLine } = issued;
  const [way, setWay] = useState(joinLine ? JOIN_LINE : 'kubernetes');
  const [isTaken, setTaken] = useState(false);
  const [isWarned, setWarned] = useState(false);
  const [before] = useState(grant.attempts);
  const progress = useJoinProgress(issued, before);
  const yaml = encodeResource({ ...issued.token });
  const isSafe = isTaken || progress.links.length > 0;
  const markTaken = () => setTaken(true);
  const close = () => {
    if (isSafe || isWarned) onClose();
    else setWarned(true);
  };
  return (
    <Dialog
      title={`Token of grant ${visible(grant.name)}`}
      onClose={close}
      onLoss={isSafe ? undefined : () => setWarned(true)}
      footer={
        <Button kind={isSafe ? 'primary' : 'secondary'} onClick={close}>
          {isWarned && !isSafe ? 'Close without the token' : 'Done'}
        </Button>
      }
    >
      {isWarned && !isSafe && (
        <Notice kind="danger" title="You have not copied or saved the token" isLive>
          <p>It cannot be shown again. Copy it, or close the dialog and issue another one later.</p>
        </Notice>
      )}
      <JoinStatus progress={progress} />
      <p hidden={progress.links.length >= issued.redemptionsAllowed}>
        This token is shown only now. With it {countText(issued.redemptionsAllowed, 'site')} can join
        {issued.subject && <> as {visible(issued.subject)}</>}
        {issued.expirationTime && (
          <>
            {' '}
            until <Time at={issued.expirationTime} />. Time left: <TimeLeft at={issued.expirationTime} />
          </>
        )}
        . Send it over a channel that you trust.
      </p>
      <Choice
        label="How does the site join?"
        value={way}
        options={[
          ...(joinLine ? [[JOIN_LINE, 'linkgrant, with one line'] as const] : []),
          ...WAYS.map(({ value, text }) => [value, text] as const),
        ]}
        onInput={setWay}
      />
      {joinLine && way === JOIN_LINE ? (
        <JoinLine line={joinLine} onTake={markTaken} />
      ) : (
        <TokenFile
          yaml={yaml}
          command={WAYS.find(({ value }) => value === way)?.command ?? ''}
          onTake={markTaken}
        />
      )}
    </Dialog>
  );
}

function JoinLine({ line, onTake }: { readonly line: string; readonly onTake: () => void }) {
  return (
    <>
      <p>
        Run this on the site. The line contains the token. On a machine without a Skupper site, add{' '}
        <code>--to DIRECTORY</code>: the Link and its Secret are written there.
      </p>
      <Copyable label="Command for the site" text={`linkgrant join ${line}`} onCopy={onTake} />
      <QrCode text={line} label="The line as a QR code" />
    </>
  );
}

interface TokenFileProps {
  readonly yaml: string;
  readonly command: string;
  readonly onTake: () => void;
}

function TokenFile({ yaml, command, onTake }: TokenFileProps) {
  return (
    <>
      <div class="token">
        <p>
          <strong>1.</strong> Save the token on the site as <code>{FILE}</code>.
        </p>
        <Copyable label="Token" text={yaml} onCopy={onTake} />
        <Button
          onClick={() => {
            download(FILE, 'application/yaml', yaml);
            onTake();
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
