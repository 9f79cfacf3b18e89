import { useState } from 'preact/hooks';
import { type Api, client, dataOf } from '../api/client.js';
import { Button } from '../components/button.js';
import { HostCommand, SAME_ON_HOST } from '../components/copyable.js';
import { Section } from '../components/details.js';
import { Failure, Notice } from '../components/notice.js';
import { countText, sentence } from '../components/text.js';
import { useAction } from '../state/action.js';
import { href } from '../state/location.js';
import { useCanWrite, useSession } from '../state/session.js';

const POLL_MS = 500;

/** Starts a verification of the whole ledger and shows its progress and result. */
export function Verification() {
  const canWrite = useCanWrite();
  const { isCluster } = useSession();
  const [progress, setProgress] = useState<Api['LedgerVerification']>();
  const action = useAction(async () => {
    let job = await dataOf(client.POST('/api/v1/ledger-verifications'));
    while (job.state === 'running') {
      setProgress(job);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      job = await dataOf(
        client.GET('/api/v1/ledger-verifications/{id}', { params: { path: { id: job.id } } }),
      );
    }
    setProgress(job);
  });
  return (
    <Section
      title="Verification"
      action={
        canWrite && (
          <Button onClick={action.run} isDisabled={action.isRunning}>
            {action.isRunning ? 'Verifying …' : 'Verify the ledger'}
          </Button>
        )
      }
    >
      <p>
        Each entry is protected by a MAC over all entries before it. A verification finds entries that were
        changed or removed, and a store that was rolled back to an earlier copy.
      </p>
      <div role="status" class="verification">
        {progress?.state === 'running' && (
          <label>
            {progress.checked.toLocaleString('en')} of {countText(progress.total, 'entry', 'entries')}{' '}
            <progress value={progress.checked} max={Math.max(1, progress.total)} />
          </label>
        )}
        {progress?.state === 'failed' && (
          <Notice kind="danger" title={sentence(progress.error ?? 'the verification failed')} />
        )}
        {progress?.result && <Result job={progress} result={progress.result} />}
      </div>
      <Failure error={action.error} />
      {!isCluster && <HostCommand words={['ledger', 'verify']} label={SAME_ON_HOST} />}
    </Section>
  );
}

interface ResultProps {
  readonly job: Api['LedgerVerification'];
  readonly result: NonNullable<Api['LedgerVerification']['result']>;
}

function Result({ job, result }: ResultProps) {
  if (result.unchained)
    return <Notice kind="info" title="This store has no MAC chain, so there is nothing to verify." />;
  if (result.ok)
    return (
      <Notice
        kind="success"
        title={`The ledger is unchanged: ${countText(job.checked, 'entry', 'entries')} verified`}
      />
    );
  return (
    <Notice kind="danger" title="The ledger is not intact">
      <ul>
        {result.problems.map(({ message, grantUid }) => (
          <li key={message}>
            {sentence(message)} {grantUid && <a href={href(`/grants/${grantUid}`)}>Open the grant</a>}
          </li>
        ))}
      </ul>
    </Notice>
  );
}
