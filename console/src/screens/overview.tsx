import { type Api, client, dataOf } from '../api/client.js';
import { ButtonLink } from '../components/button.js';
import { Command, HostCommand } from '../components/copyable.js';
import { Details, Section } from '../components/details.js';
import { Icon } from '../components/icon.js';
import { EmptyState, Loaded, Notice, UnobservedNotice } from '../components/notice.js';
import { Screen } from '../components/screen.js';
import { EXPIRING_WORDS } from '../components/state-label.js';
import { Foreign, sentence, visible } from '../components/text.js';
import { useTimesInText } from '../components/time.js';
import { href } from '../state/location.js';
import { useResource } from '../state/resource.js';
import { useObservesConnections } from '../state/service.js';
import { useCanWrite } from '../state/session.js';
import { RecentRefusals } from './recent-refusals.js';
import { RevokedLinks } from './revoked-links.js';

type Overview = Api['Overview'];

// `ledger`: a restart of the service with other settings is an entry.
const TOPICS = ['grants', 'links', 'ledger'] as const;

/** The figures of the network, what needs attention, and the refusals of the last day. */
export function OverviewScreen() {
  const overview = useResource(
    'overview',
    (signal) => dataOf(client.GET('/api/v1/overview', { signal })),
    TOPICS,
  );
  const isCurrent = overview.error === undefined;
  return (
    <Screen title="Overview">
      <Loaded resource={overview}>
        {(data) => (
          <>
            {hasLinks(data) ? (
              <Figures overview={data} isCurrent={isCurrent} />
            ) : (
              <FirstSteps overview={data} isCurrent={isCurrent} />
            )}
            {data.connections?.problem && (
              <Notice
                kind="warning"
                title={`The connected links are not known at the moment: ${visible(data.connections.problem)}`}
              />
            )}
            {hasLinks(data) && <UnobservedNotice />}
            {(!isUnused(data) || data.attention.length > 0) && (
              <Attention overview={data} isCurrent={isCurrent} />
            )}
            {!isUnused(data) && <RecentRefusals {...data} />}
          </>
        )}
      </Loaded>
    </Screen>
  );
}

function hasLinks({ links }: Overview): boolean {
  return links.known + links.expired + links.revoked > 0;
}

function hasGrants({ grants }: Overview): boolean {
  return grants.pending + grants.ready + grants.ended > 0;
}

function isUnused(overview: Overview): boolean {
  return !hasGrants(overview) && !hasLinks(overview);
}

function Figures({
  overview: { links, grants, openTokens, refusals, wrongCodes, health },
  isCurrent,
}: {
  readonly overview: Overview;
  readonly isCurrent: boolean;
}) {
  const observesConnections = useObservesConnections();
  const figures: readonly (readonly [string, number | string, string])[] = [
    ...(observesConnections
      ? [['Links connected', links.connected ?? 'unknown', href('/links')] as const]
      : []),
    ['Links valid', links.known - links.expiringSoon, href('/links', { state: 'valid' })],
    ['Links expiring, not renewed', links.expiringSoon, href('/links', { state: 'expiring' })],
    ['Links overdue for renewal', links.notRenewing, href('/links', { notRenewing: 'true' })],
    ['Grants ready', grants.ready, href('/grants', { state: 'ready' })],
    ['Open tokens', openTokens, href('/tokens')],
    ['Refused requests', countRefused(refusals, wrongCodes), refusedPage(refusals, wrongCodes)],
    ['Service', isCurrent ? serviceText(health) : 'no response', href('/health')],
  ];
  return (
    <>
      <ul class="pf-v6-l-gallery pf-m-gutter">
        {figures.map(([name, value, to]) => (
          <li key={name}>
            <a class="pf-v6-c-card figure" href={to}>
              <span class="figure-value">
                {typeof value === 'number' ? value.toLocaleString('en') : value}
              </span>
              <span class="figure-name">{name}</span>
            </a>
          </li>
        ))}
      </ul>
      <p class="subtle">
        {EXPIRING_WORDS} <a href={href('/links', { expires: 'month' })}>All links that expire this month</a>
      </p>
    </>
  );
}

function countRefused(refusals: Overview['refusals'], wrongCodes: Overview['wrongCodes']): number {
  const counts = [...refusals, ...wrongCodes.map(({ requests }) => requests)].map(({ count }) => count);
  return counts.reduce((sum, count) => sum + count, 0);
}

/** The page of the refused requests: the ledger, or the page of a grant if the ledger has none because only codes were wrong. */
function refusedPage(refusals: Overview['refusals'], [wrong]: Overview['wrongCodes']): string {
  return wrong && refusals.length === 0
    ? href(`/grants/${wrong.grantUid}`)
    : href('/ledger', { kind: 'refused' });
}

/** True if the service was checked. In a cluster the user may have no permission for that, which is a warning. */
function isServiceKnown({ findings }: Overview['health']): boolean {
  return findings.some(({ check, status }) => check !== 'observer' && status !== 'warning');
}

function serviceText(health: Overview['health']): string {
  if (!isServiceKnown(health)) return 'not checked';
  return health.ready ? 'ready' : 'not ready';
}

/** How to link the first site, and whether the service can accept it. */
function FirstSteps({ overview, isCurrent }: { readonly overview: Overview; readonly isCurrent: boolean }) {
  const canWrite = useCanWrite();
  const service = useResource(
    'service',
    (signal) => dataOf(client.GET('/api/v1/service', { signal })),
    TOPICS,
  );
  const { version, url, endpoints } = service.data ?? {};
  const state = isCurrent ? serviceText(overview.health) : 'no response';
  return (
    <>
      <EmptyState title="Link the first site in three steps">
        <ol class="pf-v6-c-list">
          <li>Create a grant. It sets how many sites may join, and until when.</li>
          <li>Issue a token of the grant. The token is shown once.</li>
          <li>
            On the other site, run the command that the dialog shows. The dialog turns green when the site has
            joined.
          </li>
        </ol>
        <p>
          A site can also join with a request, without a secret: <code>linkgrant link request</code> prints it
          on that site, and the dialog of step 2 accepts it.
        </p>
        {canWrite && (
          <ButtonLink href={hasGrants(overview) ? href('/grants') : href('/grants', { create: 'grant' })}>
            {hasGrants(overview) ? 'Open a grant to issue a token' : 'Create the first grant'}
          </ButtonLink>
        )}
      </EmptyState>
      <Section title="Service">
        <Details
          entries={[
            ['State', state],
            ['Version', version],
            ['URL in tokens', url && <Foreign text={url} />],
            ['Endpoints', endpoints && <Foreign text={endpoints.join(', ') || 'none'} />],
          ]}
        />
      </Section>
    </>
  );
}

function Attention({
  overview: { attention: items, refusals, wrongCodes, links },
  isCurrent,
}: {
  readonly overview: Overview;
  readonly isCurrent: boolean;
}) {
  const withTimes = useTimesInText();
  const hasRefusedOrRevoked = refusals.length + wrongCodes.length + links.revoked > 0;
  return (
    <Section title="Needs attention">
      {items.length === 0 && isCurrent && !hasRefusedOrRevoked && (
        <Notice kind="success" title="Nothing needs attention" />
      )}
      {links.revoked > 0 && <RevokedLinks />}
      {items.length === 0 && isCurrent && hasRefusedOrRevoked && (
        <p>The service, grants and valid links have no problem.</p>
      )}
      {items.length === 0 && !isCurrent && <p>Not known at the moment.</p>}
      {items.length > 0 && (
        <ul class="pf-v6-c-list pf-m-plain pf-m-bordered">
          {items.map(({ kind, severity, message, nextStep, resource }) => (
            <li class="pf-v6-c-list__item" key={message}>
              <span class="pf-v6-c-list__item-icon">
                <Icon name={severity === 'error' ? 'danger' : 'warning'} />
              </span>
              <div class="finding">
                {sentence(withTimes(visible(message)))}{' '}
                {resource ? (
                  <a href={href(`/links/${resource.id}`)}>Open the link</a>
                ) : (
                  <NextStep kind={kind} command={nextStep} />
                )}
              </div>
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}

/** Items whose next step is a command for the host of the service. */
const HOST_KINDS: ReadonlySet<string> = new Set(['service-not-ready', 'no-endpoints']);

/** The filters of the page that lists the objects of an item about several of them. */
const LISTED: Readonly<Record<string, readonly [path: string, filter: Record<string, string>]>> = {
  'link-revoked-connected': ['/links', { state: 'revoked' }],
  'link-expiring': ['/links', { state: 'expiring' }],
  'link-not-renewing': ['/links', { state: 'valid', notRenewing: 'true' }],
  'link-expired': ['/links', { state: 'expired' }],
  'grants-pending': ['/grants', { state: 'pending' }],
};

function NextStep({ kind, command }: { readonly kind: string; readonly command: string }) {
  const listed = LISTED[kind];
  if (listed) return <a href={href(...listed)}>Open the list</a>;
  // Both components add the name of the program.
  const words = command.split(' ').slice(1);
  return HOST_KINDS.has(kind) ? (
    <HostCommand label="Next step, on the host of the service" words={words} />
  ) : (
    <Command label="Next step" words={words} />
  );
}
