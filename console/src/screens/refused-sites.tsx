import { useState } from 'preact/hooks';
import { DAY_MS } from '../../../src/domain/duration.js';
import { type Api, client, dataOf, LARGEST_PAGE } from '../api/client.js';
import { ButtonLink } from '../components/button.js';
import { Section } from '../components/details.js';
import { LinksOfSite } from '../components/links-of-site.js';
import { Notice } from '../components/notice.js';
import { refusalOf } from '../components/refusals.js';
import { countText, Mono, visible } from '../components/text.js';
import { TimeAndDistance, useNow } from '../components/time.js';
import { UnlessJoined } from '../components/unless-joined.js';
import { WRONG_CODE_REMEDY, WrongCodes } from '../components/wrong-codes.js';
import { CreateGrant } from '../dialogs/create-grant.js';
import { RefusalAdvice } from '../dialogs/refusal-advice.js';
import type { WaitingSite } from '../dialogs/waiting-site.js';
import { href } from '../state/location.js';
import { useResource } from '../state/resource.js';
import { useCanWrite } from '../state/session.js';

type Attempt = Api['Attempt'];

const MAX_AGE_MS = 7 * DAY_MS;
const MAX_SITES = 5;

/** The last refusals of sites that have not joined through the same grant since, newest first, those of revoked links last. */
function refusedSites(attempts: readonly Attempt[], now: number): readonly Attempt[] {
  const isLater = (other: Attempt, { subject, at }: Attempt) => other.subject === subject && other.at >= at;
  const sites = attempts.filter(
    (attempt) =>
      refusalOf(attempt.outcome) !== undefined &&
      now - Date.parse(attempt.at) <= MAX_AGE_MS &&
      !attempts.some((other) => refusalOf(other.outcome) === undefined && isLater(other, attempt)) &&
      // Of a site that was refused for several reasons, the last one counts.
      attempts.find(({ outcome, subject }) => refusalOf(outcome) && subject === attempt.subject) === attempt,
  );
  const isRevoked = ({ outcome }: Attempt) => outcome === 'redemption_revoked';
  return [...sites.filter((site) => !isRevoked(site)), ...sites.filter(isRevoked)];
}

/**
 * The sites that this grant has refused in the last days, and that have not joined through it since. Says what lets each site join,
 * or through which other grant it has joined.
 */
export function RefusedSites({ grant }: { readonly grant: Api['GrantDetail'] }) {
  const now = useNow(60_000);
  const canWrite = useCanWrite();
  // Not in the advice: the dialog stays open when its site leaves this list.
  const [siteAlone, setSiteAlone] = useState<WaitingSite>();
  const { attempts, uid } = grant;
  const sites = refusedSites(attempts, now);
  const wrongCodes =
    grant.wrongCodes && now - Date.parse(grant.wrongCodes.last) <= MAX_AGE_MS ? grant.wrongCodes : undefined;
  return (
    <>
      {(sites.length > 0 || wrongCodes) && (
        <Section title="Refused sites">
          {sites.length > 0 && <Sites sites={sites} grant={grant} onCreateGrant={setSiteAlone} />}
          {wrongCodes && (
            <Notice kind="warning" title="A site was refused: The code of its token is wrong">
              <p>
                <WrongCodes {...wrongCodes} />. {WRONG_CODE_REMEDY}
              </p>
              {canWrite && (
                <p>
                  <ButtonLink kind="secondary" href={href(`/grants/${uid}`, { issue: 'token' })}>
                    Issue a token
                  </ButtonLink>
                </p>
              )}
            </Notice>
          )}
        </Section>
      )}
      {siteAlone && <CreateGrant site={siteAlone} onClose={() => setSiteAlone(undefined)} />}
    </>
  );
}

interface SitesProps {
  readonly sites: readonly Attempt[];
  readonly grant: Api['GrantDetail'];
  readonly onCreateGrant: (site: WaitingSite) => void;
}

function Sites({ sites, grant, onCreateGrant }: SitesProps) {
  const { uid } = grant;
  const query = { grantUid: uid, limit: LARGEST_PAGE };
  const { data, error } = useResource(
    `refused-sites/${uid}`,
    (signal) => dataOf(client.GET('/api/v1/tokens', { signal, params: { query } })),
    ['grants', 'ledger', 'links'],
  );
  return (
    <>
      {sites.slice(0, MAX_SITES).map((attempt) => {
        const { outcome: code, subject, peer, at, count, jti } = attempt;
        return (
          <Notice
            key={JSON.stringify([code, subject])}
            kind="warning"
            title={`${visible(subject) || 'A site'} was refused: ${refusalOf(code)?.title}`}
          >
            <p>
              {countText(count, 'request')}, the last one <TimeAndDistance at={at} />
              {peer && ` from ${visible(peer)}`}
              {jti && (
                <>
                  {' '}
                  with the token <Mono text={jti} />
                </>
              )}
              .
            </p>
            <UnlessJoined subject={subject} at={at}>
              <LinksOfSite subject={subject} />
              {(data || error) && (
                <RefusalAdvice
                  request={{ ...attempt, code, token: data?.items.find(({ id }) => id === jti) }}
                  grant={grant}
                  offersToken
                  onCreateGrant={onCreateGrant}
                />
              )}
            </UnlessJoined>
          </Notice>
        );
      })}
      {sites.length > MAX_SITES && (
        <p>
          These are {MAX_SITES} of the sites.{' '}
          <a href={href('/ledger', { kind: 'refused', grantUid: uid })}>All refusals of this grant</a>
        </p>
      )}
    </>
  );
}
