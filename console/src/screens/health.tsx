import { type Api, client, dataOf } from '../api/client.js';
import { Button } from '../components/button.js';
import { Copyable, HostCommand, SAME_ON_HOST } from '../components/copyable.js';
import { Loaded, Notice } from '../components/notice.js';
import { Screen } from '../components/screen.js';
import { type Column, Table } from '../components/table.js';
import { countText, Prose, sentence, visible } from '../components/text.js';
import { useTimesInText } from '../components/time.js';
import { useResource } from '../state/resource.js';
import { useSession } from '../state/session.js';

type Finding = Api['HealthFinding'];

/** Every check of the service, with a remedy for each problem. */
export function HealthScreen() {
  const health = useResource('health', (signal) => dataOf(client.GET('/api/v1/health', { signal })), []);
  return (
    <Screen
      title="Health"
      intro="The checks of linkgrant doctor: data directory, store, ports, certificates and sites. They take some seconds."
      actions={
        <Button isDisabled={health.isLoading} onClick={health.reload}>
          {health.isLoading ? 'Checking …' : 'Check again'}
        </Button>
      }
    >
      <Loaded resource={health}>{({ findings }) => <Findings findings={findings} />}</Loaded>
      <HostCommand words={['doctor']} label={SAME_ON_HOST} />
    </Screen>
  );
}

function Findings({ findings }: { readonly findings: readonly Finding[] }) {
  const withTimes = useTimesInText();
  const columns: readonly Column<Finding>[] = [
    { header: 'Check', isHeader: true, cell: ({ check }) => visible(check) },
    { header: 'Result', cell: ({ message }) => withTimes(visible(message)) },
  ];
  const errors = findings.filter(({ status }) => status === 'error');
  const warnings = findings.filter(({ status }) => status === 'warning');
  const passed = findings.filter(({ status }) => status === 'ok');
  return (
    <>
      <p>
        <strong>
          {errors.length > 0
            ? `${countText(errors.length, 'check')} failed.`
            : warnings.length > 0
              ? `No check failed; ${countText(warnings.length, 'warning')}.`
              : `All ${countText(passed.length, 'check')} passed.`}
        </strong>
      </p>
      {[...errors, ...warnings].map((finding) => (
        <Problem finding={finding} key={`${finding.check} ${finding.message}`} />
      ))}
      {passed.length > 0 && (
        <Table
          caption="Passed checks"
          columns={columns}
          items={passed}
          keyOf={({ check, message }) => `${check} ${message}`}
        />
      )}
    </>
  );
}

/**
 * A failed check or a warning with its remedy, and each command of the remedy to copy. The remedy of a service on another machine is
 * only text: its commands are for that machine, and not to be pasted here.
 */
function Problem({ finding: { check, status, message, remedy = '' } }: { readonly finding: Finding }) {
  const withTimes = useTimesInText();
  const { isRemote } = useSession();
  const commands = Array.from(remedy.matchAll(/`([^`]+)`/g), ([, command = '']) => command);
  return (
    <Notice
      kind={status === 'error' ? 'danger' : 'warning'}
      title={`${visible(check)}: ${withTimes(visible(message))}`}
    >
      {remedy !== '' && (
        <p>
          <Prose text={sentence(visible(remedy))} />
        </p>
      )}
      {!isRemote && commands.map((command) => <Copyable label="Remedy" text={command} key={command} />)}
    </Notice>
  );
}
