import { Copyable, HostCommand } from '../components/copyable.js';
import { Loaded, Notice, sentence } from '../components/notice.js';
import { Screen } from '../components/screen.js';
import { visible } from '../components/text.js';
import { isServiceKnown, useOverview } from './overview.js';

const KINDS = { ok: 'success', warning: 'warning', error: 'danger' } as const;

/** The checks of the service with their remedies. */
export function HealthScreen() {
  const overview = useOverview();
  return (
    <Screen title="Health" intro="The checks of the service, with a remedy for each problem.">
      <Loaded resource={overview}>
        {({ health }) => (
          <>
            {isServiceKnown(health) ? (
              <p>
                <strong>{health.ready ? 'The service is ready.' : 'The service is not ready.'}</strong>
              </p>
            ) : (
              <Notice kind="info" title="No service reports its checks here">
                <p>
                  This console reads the store itself, and a service may be running or not. The command below
                  checks the service, its ports, certificates and store.
                </p>
              </Notice>
            )}
            <ul class="pf-v6-c-list pf-m-plain">
              {health.findings.map(({ check, status, message, remedy }) => (
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
      <HostCommand words={['doctor']} label="Run all checks on the host of the service" />
    </Screen>
  );
}
