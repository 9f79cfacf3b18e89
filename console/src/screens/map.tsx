import { type Api, client, dataOf } from '../api/client.js';
import { ButtonLink } from '../components/button.js';
import { Section } from '../components/details.js';
import { ForeignLink } from '../components/foreign-link.js';
import { EmptyState, Loaded } from '../components/notice.js';
import { Screen } from '../components/screen.js';
import { Table } from '../components/table.js';
import { href } from '../state/location.js';
import { useResource } from '../state/resource.js';
import { Drawing, LOOKS, type Look, Mark, type Peer } from './map-drawing.js';

const MAX_LINKS = 500;

function peerOf({ id, subject, state, connected }: Api['Link']): Peer {
  const live: Look = connected ? 'connected' : 'valid';
  const isEnding = state === 'expiring' || state === 'expired';
  return {
    key: id,
    name: subject,
    linkId: id,
    look: state === 'revoked' ? 'revoked' : isEnding ? 'expiring' : live,
  };
}

/** Reads the connected peers without a redemption, and the newest links; `hasMore` is true if there are more links. */
async function readPeers(signal: AbortSignal): Promise<{ peers: readonly Peer[]; hasMore: boolean }> {
  const [links, { connections }] = await Promise.all([
    dataOf(client.GET('/api/v1/links', { signal, params: { query: { limit: MAX_LINKS } } })),
    dataOf(client.GET('/api/v1/overview', { signal })),
  ]);
  const unknown = (connections?.unknownPeers ?? []).map(({ siteId, siteName, linkName }): Peer => {
    return { key: `${siteId} ${linkName}`, name: siteName || siteId, look: 'unknown' };
  });
  return { peers: [...unknown, ...links.items.map(peerOf)], hasMore: links.next !== undefined };
}

/** This site and its peers as a drawing, and the same peers as a table. */
export function MapScreen() {
  const map = useResource('map', readPeers, ['links']);
  return (
    <Screen title="Map" intro="This site is in the middle, with the sites that are linked to it.">
      <Loaded resource={map}>
        {({ peers, hasMore }) =>
          peers.length === 0 ? (
            <EmptyState title="No site has joined yet">
              <p>A site appears here as soon as it has redeemed a token.</p>
              <ButtonLink href={href('/grants')}>Go to the grants</ButtonLink>
            </EmptyState>
          ) : (
            <>
              {hasMore && (
                <p>The map shows the {MAX_LINKS} newest links. The list of links has all of them.</p>
              )}
              <ul class="legend row">
                {(Object.keys(LOOKS) as Look[]).map((look) => (
                  <li key={look}>
                    <svg viewBox="0 0 24 24" width="24" height="24" aria-hidden="true">
                      <Mark look={look} x={12} y={12} />
                    </svg>{' '}
                    {LOOKS[look]}
                  </li>
                ))}
              </ul>
              <Drawing peers={peers} />
              <Section title="The same as a table">
                <div class="map-table">
                  <Table
                    caption="Peers of this site"
                    items={peers}
                    keyOf={({ key }) => key}
                    columns={[
                      {
                        header: 'Site',
                        isHeader: true,
                        cell: ({ name, linkId }) => (
                          <ForeignLink to={linkId && href(`/links/${linkId}`)} text={name} />
                        ),
                      },
                      { header: 'State', cell: ({ look }) => LOOKS[look] },
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
