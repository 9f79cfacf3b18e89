import { Command, Copyable } from '../components/copyable.js';
import { Loaded, Notice, sentence } from '../components/notice.js';
import { Screen } from '../components/screen.js';
import { visible } from '../components/text.js';
import { useOverview } from './overview.js';

const KINDS = { ok: 'success', warning: 'warning', error: 'danger' } as const;

/** The checks of the service with their remedies. */
export function HealthScreen() {
  const overview = useOverview();
  return (
    <Screen title="Health" intro="The checks of the service, with a remedy for each problem.">
      <Loaded resource={overview}>
        {({ health: { ready, findings } }) => (
          <>
            <p>
              <strong>{ready ? 'The service is ready.' : 'The service is not ready.'}</strong>
            </p>
            <ul class="attention">
              {findings.map(({ check, status, message, remedy }) => (
                <li key={check}>
                  <Notice kind={KINDS[status]} title={`${check}: ${visible(message)}`}>
                    {remedy &&
                      (status === 'ok' ? (
                        <p>{sentence(remedy)}</p>
                      ) : (
                        <Copyable label="Remedy" text={remedy} />
                      ))}
                  </Notice>
                </li>
              ))}
            </ul>
          </>
        )}
      </Loaded>
      <Command words={['doctor']} label="More checks, in a terminal" />
    </Screen>
  );
}
