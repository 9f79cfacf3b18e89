import { type Api, client, dataOf } from '../api/client.js';
import { ButtonLink } from '../components/button.js';
import { Section } from '../components/details.js';
import { EmptyState, Loaded } from '../components/notice.js';
import { Screen } from '../components/screen.js';
import { ConnectedLabel, StateLabel } from '../components/state-label.js';
import { Table } from '../components/table.js';
import { Foreign, visible } from '../components/text.js';
import { href } from '../state/location.js';
import { useResource } from '../state/resource.js';

type Link = Api['Link'];

const MOST = 500;
const SIZE = 1_000;
const CENTRE = SIZE / 2;
const FIRST_RING = 150;
const RING_GAP = 54;
// Distance of neighbours on a ring.
const PEER_GAP = 40;
const MOST_NAMES = 24;
const NAME_LENGTH = 18;

/** Where the peers stand: on rings around this site, as many on each as fit. */
function places(count: number): { readonly x: number; readonly y: number }[] {
  const found: { x: number; y: number }[] = [];
  for (let ring = 0; found.length < count; ring += 1) {
    const radius = FIRST_RING + ring * RING_GAP;
    const onRing = Math.min(count - found.length, Math.floor((2 * Math.PI * radius) / PEER_GAP));
    for (let index = 0; index < onRing; index += 1) {
      const angle = (2 * Math.PI * index) / onRing - Math.PI / 2 + ring * 0.15;
      found.push({ x: CENTRE + radius * Math.cos(angle), y: CENTRE + radius * Math.sin(angle) });
    }
  }
  return found;
}

/** How a peer is drawn, and what that means. */
const LOOKS = {
  connected: 'connected',
  valid: 'valid certificate, no known connection',
  expiring: 'certificate expires soon or has expired',
  revoked: 'revoked',
};

function lookOf({ state, connected }: Link): keyof typeof LOOKS {
  if (state === 'revoked') return 'revoked';
  if (state === 'expiring' || state === 'expired') return 'expiring';
  return connected ? 'connected' : 'valid';
}

/** This site and its peers as a drawing, with a table of the same. */
export function MapScreen() {
  const links = useResource(
    'map',
    (signal) => dataOf(client.GET('/api/v1/links', { signal, params: { query: { limit: MOST } } })),
    ['links'],
  );
  return (
    <Screen title="Map" intro="This site in the middle, and the sites that are linked to it.">
      <Loaded resource={links}>
        {({ items, next }) =>
          items.length === 0 ? (
            <EmptyState title="No site has joined yet">
              <p>A site appears here as soon as it has redeemed a token.</p>
              <ButtonLink href={href('/grants')}>Go to the grants</ButtonLink>
            </EmptyState>
          ) : (
            <>
              {next !== undefined && (
                <p>The map shows the {MOST} newest links. The list of links has all of them.</p>
              )}
              <ul class="legend">
                {Object.entries(LOOKS).map(([look, meaning]) => (
                  <li key={look}>
                    <svg viewBox="0 0 24 24" width="24" height="24" aria-hidden="true">
                      <Mark look={look as keyof typeof LOOKS} x={12} y={12} />
                    </svg>{' '}
                    {meaning}
                  </li>
                ))}
              </ul>
              <Drawing items={items} />
              <Section title="The same as a table">
                <div class="map-table">
                  <Table
                    caption="Peers of this site"
                    items={items}
                    keyOf={({ id }) => id}
                    columns={[
                      {
                        header: 'Subject',
                        isHeader: true,
                        cell: ({ id, subject }) => (
                          <a href={href(`/links/${id}`)}>
                            <Foreign text={subject} />
                          </a>
                        ),
                      },
                      { header: 'Certificate', cell: ({ state }) => <StateLabel state={state} /> },
                      {
                        header: 'Connected',
                        cell: ({ connected }) => <ConnectedLabel connected={connected} />,
                      },
                    ]}
                  />
                </div>
              </Section>
            </>
          )
        }
      </Loaded>
    </Screen>
  );
}

function Drawing({ items }: { readonly items: readonly Link[] }) {
  const spots = places(items.length);
  const reach = Math.max(...spots.map(({ x, y }) => Math.hypot(x - CENTRE, y - CENTRE))) + 90;
  const peers = items.flatMap((link, index) => {
    const spot = spots[index];
    return spot ? [{ link, ...spot }] : [];
  });
  return (
    <svg
      class="map"
      font-size={reach / 32}
      viewBox={`${CENTRE - reach} ${CENTRE - reach} ${2 * reach} ${2 * reach}`}
      aria-hidden="true"
      focusable="false"
    >
      {peers.map(({ link, x, y }) => (
        <line key={link.id} class={`edge ${lookOf(link)}`} x1={CENTRE} y1={CENTRE} x2={x} y2={y} />
      ))}
      {peers.map(({ link, x, y }) => (
        <a key={link.id} href={href(`/links/${link.id}`)} tabindex={-1}>
          <title>{`${visible(link.subject)}: ${LOOKS[lookOf(link)]}`}</title>
          <Mark look={lookOf(link)} x={x} y={y} />
          {items.length <= MOST_NAMES && (
            <text x={x} y={y + 28}>
              {shortened(visible(link.subject))}
            </text>
          )}
        </a>
      ))}
      <circle class="centre" cx={CENTRE} cy={CENTRE} r={34} />
      <text class="centre-name" x={CENTRE} y={CENTRE + 5}>
        this site
      </text>
    </svg>
  );
}

function Mark({ look, x, y }: { readonly look: keyof typeof LOOKS; readonly x: number; readonly y: number }) {
  if (look === 'expiring') return <path class="peer expiring" d={`M${x} ${y - 11}l11 20h-22z`} />;
  if (look === 'revoked') return <rect class="peer revoked" x={x - 9} y={y - 9} width={18} height={18} />;
  return <circle class={`peer ${look}`} cx={x} cy={y} r={10} />;
}

function shortened(text: string): string {
  return text.length <= NAME_LENGTH ? text : `${text.slice(0, NAME_LENGTH - 1)}…`;
}
