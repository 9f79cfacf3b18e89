import { operand } from '../../../src/domain/shell-words.js';
import type { Api } from '../api/client.js';
import { HostCommand, SAME_ON_HOST } from '../components/copyable.js';
import { Details, Section } from '../components/details.js';
import { EmptyState, Loaded } from '../components/notice.js';
import { Screen } from '../components/screen.js';
import { Label, StateLabel } from '../components/state-label.js';
import { type Column, Table } from '../components/table.js';
import { countText, Foreign, Mono, visible } from '../components/text.js';
import { TimeAndDistance } from '../components/time.js';
import { useIssuers } from '../state/issuers.js';
import { href, useLocation } from '../state/location.js';
import { useSession } from '../state/session.js';
import { Rotation } from './issuer-rotation.js';

type Issuer = Api['Issuer'];

const OWNERS: Readonly<Record<Issuer['owner'], string>> = {
  linkgrant: 'linkgrant',
  skupper: 'Skupper',
  external: 'you: it is in the file of --issuer-cert',
};

/** The issuers with their CAs: when each expires, how many links depend on it, and the next step of a rotation. */
export function IssuersScreen() {
  const { query } = useLocation();
  const { isCluster } = useSession();
  const name = query.get('name') || undefined;
  const namespace = query.get('namespace') || undefined;
  const resource = useIssuers();
  const isShown = (issuer: Issuer) =>
    (name === undefined || issuer.name === name) &&
    (namespace === undefined || (issuer.namespace ?? namespace) === namespace);
  return (
    <Screen
      title="Issuers"
      intro="An issuer signs the certificates of links with its CA. Before the CA expires, a rotation replaces it. Links stay connected during a rotation."
    >
      {name !== undefined && (
        <p>
          Only the issuer <Foreign text={name} />. <a href={href('/issuers')}>Show all</a>
        </p>
      )}
      <Loaded resource={resource}>
        {(issuers) =>
          issuers.some(isShown) ? (
            issuers
              .filter(isShown)
              .map((issuer) => (
                <IssuerSection key={`${issuer.namespace}/${issuer.name}/${issuer.owner}`} issuer={issuer} />
              ))
          ) : (
            <EmptyState title={issuers.length > 0 ? 'There is no such issuer' : 'There is no CA yet'}>
              {isCluster ? (
                <p>An issuer is listed here if a grant, or a site that accepts links, uses it.</p>
              ) : (
                <>
                  <p>
                    {issuers.length > 0
                      ? 'The grant may name an issuer that does not exist. Create it on the host of the service:'
                      : 'The service creates its CA when it starts for the first time. Until then no site can join.'}
                  </p>
                  <HostCommand
                    words={issuers.length > 0 ? ['issuer', 'create', operand(name ?? 'NAME')] : ['serve']}
                  />
                </>
              )}
            </EmptyState>
          )
        }
      </Loaded>
      {!isCluster && <HostCommand words={['issuer', 'list']} label={SAME_ON_HOST} />}
    </Screen>
  );
}

function IssuerSection({ issuer }: { readonly issuer: Issuer }) {
  const { name, namespace, owner, signs, grants, authorities } = issuer;
  return (
    <Section title={visible(name)}>
      <Rotation issuer={issuer} />
      {authorities.length > 0 && (
        <Table
          caption={`CAs of ${visible(name)}`}
          items={authorities}
          keyOf={({ sha256 }) => sha256}
          columns={columnsOf(issuer)}
        />
      )}
      <Details
        entries={[
          ['Signs', signs === 'links' ? 'the certificates of links' : 'the certificate of the service'],
          ['Grants', signs === 'links' && grantsText(grants, issuer.default)],
          ['Namespace', namespace && <Foreign text={namespace} />],
          ['Owner', OWNERS[owner]],
        ]}
      />
    </Section>
  );
}

function grantsText(grants: number, isDefault: boolean): string {
  const open = `${countText(grants, 'grant')} that can be redeemed`;
  return isDefault ? `${open}; signs for each grant that names no issuer` : open;
}

function columnsOf({ signs }: Issuer): Column<Api['Authority']>[] {
  return [
    { header: 'CA', isHeader: true, cell: ({ subject }) => <Foreign text={subject} /> },
    { header: 'Role', cell: ({ role }) => <StateLabel state={role} /> },
    {
      header: 'Certificate',
      cell: ({ role, state }) =>
        role === 'active' && state === 'expired' ? (
          <Label tone="red" icon="danger">
            expired
          </Label>
        ) : (
          <StateLabel state={state} />
        ),
    },
    { header: 'Expires', cell: ({ notAfter }) => <TimeAndDistance at={notAfter} /> },
    {
      header: signs === 'links' ? 'Links, not revoked' : 'Links',
      cell: ({ links, sha256 }) => {
        if (links === null) return <span class="subtle">not counted</span>;
        if (links === 0 || signs === 'service') return links;
        return <a href={href('/links', { signedBy: sha256 })}>{countText(links, 'link')}</a>;
      },
    },
    {
      header: 'SHA-256',
      cell: ({ sha256 }) => <Mono text={sha256.slice(0, 16)} title={sha256} />,
    },
  ];
}
