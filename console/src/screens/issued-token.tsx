import { useState } from 'preact/hooks';
import { encodeResource } from '../../../src/domain/resource-encoding.js';
import type { Api } from '../api/client.js';
import { Button } from '../components/button.js';
import { Copyable } from '../components/copyable.js';
import { Dialog } from '../components/dialog.js';
import { download } from '../components/download.js';
import { Choice } from '../components/field.js';
import { Notice } from '../components/notice.js';
import { counted, visible } from '../components/text.js';
import { Time, TimeLeft } from '../components/time.js';
import { JoinStatus, useJoinProgress } from './join-progress.js';

interface IssuedTokenProps {
  readonly grant: Api['GrantDetail'];
  readonly issued: Api['IssuedToken'];
  readonly onClose: () => void;
}

const FILE = 'token.yaml';

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

/** A dialog that shows a token once, what to do with it, and how far the site is. It does not close by accident. */
export function IssuedToken({ grant, issued, onClose }: IssuedTokenProps) {
  const [way, setWay] = useState('kubernetes');
  const [isTaken, setTaken] = useState(false);
  const [isWarned, setWarned] = useState(false);
  const progress = useJoinProgress(issued, grant.attempts);
  const yaml = encodeResource({ ...issued.token });
  const isSafe = isTaken || progress.links.length > 0;
  const take = () => setTaken(true);
  const close = () => {
    if (isSafe || isWarned) onClose();
    else setWarned(true);
  };
  return (
    <Dialog
      title={`Token of grant ${visible(grant.name)}`}
      onClose={close}
      isGuarded={!isSafe}
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
      <p>
        This token is shown only now. With it {counted(issued.redemptionsAllowed, 'site')} can join
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
        options={WAYS.map(({ value, text }) => [value, text])}
        onInput={setWay}
      />
      <div>
        <p>
          <strong>1.</strong> Save the token on the site as <code>{FILE}</code>.
        </p>
        <Copyable label="Token" text={yaml} onCopy={take} />
        <Button
          onClick={() => {
            download(FILE, 'application/yaml', yaml);
            take();
          }}
        >
          Download {FILE}
        </Button>
      </div>
      <div>
        <p>
          <strong>2.</strong> Run this on the site.
        </p>
        <Copyable
          label="Command for the site"
          text={WAYS.find(({ value }) => value === way)?.command ?? ''}
        />
      </div>
    </Dialog>
  );
}
