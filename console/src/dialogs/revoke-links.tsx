import { useState } from 'preact/hooks';
import { ApiError } from '../api/client.js';
import { Command, HostCommand, SAME_ON_HOST } from '../components/copyable.js';
import { ConfirmFooter, Dialog } from '../components/dialog.js';
import { Field, OptionField } from '../components/field.js';
import { Failure, Notice } from '../components/notice.js';
import { Label, LinkLabel } from '../components/state-label.js';
import { Table } from '../components/table.js';
import { countText, Foreign, Prose, sentence, visible } from '../components/text.js';
import { Time, useTimesInText } from '../components/time.js';
import { href } from '../state/location.js';
import { useSession } from '../state/session.js';
import { BeforeCut } from './before-cut.js';
import { CutGuide } from './cut-guide.js';
import { type Goal, type Result, type RevocableLink, useLinkRevocation } from './link-revocation.js';
import { SourceOptions } from './source-options.js';
import { WaysIn } from './ways-in.js';

interface RevokeLinksProps<L extends RevocableLink> {
  readonly links: readonly L[];
  /** Receives the links that were not revoked. */
  readonly onClose: (remaining: readonly L[]) => void;
}

/**
 * A dialog that revokes one or several links, each with a request of its own, and shows the result of each. On request it then
 * guides through cutting them off. When it is closed, it starts no further request.
 */
export function RevokeLinks<L extends RevocableLink>({ links, onClose }: RevokeLinksProps<L>) {
  const { isCluster } = useSession();
  const revocation = useLinkRevocation(links);
  const [isQuestionOpen, setQuestionOpen] = useState(false);
  const { goal, source, choices, results, remaining, ready, action, command } = revocation;
  const hasFailed = remaining.some(({ id }) => results.has(id));
  const done = links.length - remaining.length;
  const [only] = links.length === 1 ? links : [];
  const what = only ? `the link of ${visible(only.subject)}` : countText(links.length, 'link');
  const count = only ? '' : ` ${countText(ready.length || remaining.length, 'link')}`;
  const isDone = action.result !== undefined;
  if (isDone && goal === 'cut') return <CutGuide links={links} onClose={() => onClose(remaining)} />;
  return (
    <Dialog
      title={`${goal === 'cut' ? 'Cut off' : 'Revoke'} ${what}`}
      onClose={() => onClose(remaining)}
      footer={
        <ConfirmFooter
          name={
            action.isRunning
              ? `Revoked ${done} of ${links.length} …`
              : goal === 'cut'
                ? `Revoke${count}, then cut off`
                : `Revoke${count}`
          }
          action={action}
          isDisabled={ready.length === 0 || isQuestionOpen}
          whyDisabled={isQuestionOpen ? 'Confirm or cancel the other revocation first.' : undefined}
          onClose={() => onClose(remaining)}
        />
      }
    >
      {isDone ? (
        <RevokedNotice links={links} results={results} />
      ) : isCluster ? (
        <p>
          From now on <Until link={only} /> To cut it off earlier, replace the CA for its site:
          docs/how-to/revoke-links.md
        </p>
      ) : (
        <fieldset class="choices stack">
          <legend>What do you want?</legend>
          <OptionField
            group="goal"
            isChecked={goal === 'revoke'}
            onInput={() => revocation.changeGoal('revoke')}
          >
            <strong>Revoke:</strong> <Until link={only} />
          </OptionField>
          <OptionField group="goal" isChecked={goal === 'cut'} onInput={() => revocation.changeGoal('cut')}>
            <strong>Cut off:</strong> revoke, then replace the CA step by step. From the last step on{' '}
            {only ? 'the link' : 'these links'} can no longer connect. Before that, all other links must
            renew: run <Prose text="`linkgrant link renew NAME --dir DIRECTORY`" /> on the site of each. The
            rules of their grants must allow it. The renewed certificates are valid for 30 days, so each site
            then needs a timer that runs <Prose text="`linkgrant link renew --all --dir DIRECTORY`" /> daily.
          </OptionField>
        </fieldset>
      )}
      <Failure error={hasFailed && !(only && choices.length > 0) ? action.error : undefined} />
      {choices.length > 0 && (
        <SourceOptions
          legend={`${only ? 'The site' : 'Some sites'} could join again, because the token or grant is not used up. Revoke it too?`}
          choices={choices}
          value={source}
          onSelect={revocation.setSource}
        />
      )}
      <WaysIn links={links} onRevoked={revocation.clearRefusals} onQuestion={setQuestionOpen} />
      {goal === 'cut' && <BeforeCut links={links} />}
      {!only && (
        <Table
          caption="Links to revoke"
          items={links}
          keyOf={({ id }) => id}
          columns={[
            { header: 'Subject', isHeader: true, cell: ({ subject }) => <Foreign text={subject} /> },
            {
              header: 'Grant',
              cell: ({ grant }) => (grant === undefined ? 'deleted' : <Foreign text={grant} />),
            },
            {
              header: 'What happens',
              cell: (link) => <Effect link={link} goal={goal} result={results.get(link.id)} />,
            },
          ]}
        />
      )}
      {!isDone && (
        <>
          <Field
            label="Note"
            value={revocation.note}
            onInput={revocation.setNote}
            maxLength={1000}
            help={`For example the reason. It replaces the note of ${only ? 'the link' : 'each link'}.`}
          />
          {goal === 'cut' ? (
            <HostCommand words={[...command, ...(only ? ['--cut'] : [])]} label={SAME_ON_HOST} />
          ) : (
            <Command words={command} />
          )}
        </>
      )}
    </Dialog>
  );
}

/** What a revocation does, for one link or several. */
function Until({ link }: { readonly link: RevocableLink | undefined }) {
  return link ? (
    <>
      the certificate cannot be renewed. The link stays connected, and can reconnect until{' '}
      <Time at={link.notAfter} />.
    </>
  ) : (
    <>
      the certificates cannot be renewed. Each link stays connected, and can reconnect until its certificate
      expires.
    </>
  );
}

/** Says that the links are revoked, what a single one can still do, and which other links their sites may have. */
function RevokedNotice({
  links,
  results,
}: {
  readonly links: readonly RevocableLink[];
  readonly results: ReadonlyMap<string, Result>;
}) {
  const withTimes = useTimesInText();
  const revoked = [...results.values()].flatMap((result) => (result instanceof ApiError ? [] : [result]));
  const ids = new Set(links.map(({ id }) => id));
  const related = new Map(revoked.flatMap(({ related }) => related).map((link) => [link.id, link]));
  const others = [...related.values()].filter(({ id }) => !ids.has(id));
  const [first] = revoked;
  return (
    <>
      <Notice
        kind="success"
        title={links.length === 1 ? 'The link is revoked' : `${countText(links.length, 'link')} revoked`}
        isLive
      >
        {links.length === 1 && first && <p>It can still {withTimes(first.redemption.remaining)}.</p>}
      </Notice>
      {others.length > 0 && (
        <div>
          <p>{links.length === 1 ? 'The same site' : 'These sites'} may also have these links:</p>
          <ul class="pf-v6-c-list">
            {others.map(({ id, name, subject }) => (
              <li key={id}>
                <a href={href(`/links/${id}`)}>
                  <Foreign text={name} /> of <Foreign text={subject} />
                </a>
              </li>
            ))}
          </ul>
        </div>
      )}
    </>
  );
}

interface EffectProps {
  readonly link: RevocableLink;
  readonly goal: Goal;
  readonly result: Result | undefined;
}

/** What will happen to a link, or what has happened. */
function Effect({ link, goal, result }: EffectProps) {
  const withTimes = useTimesInText();
  if (result instanceof ApiError)
    return (
      <div>
        <Label tone="orange" icon="warning">
          not revoked
        </Label>{' '}
        {sentence(withTimes(visible(result.message)))}
      </div>
    );
  const isExpired = Date.parse(link.notAfter) <= Date.now();
  const isCut = goal === 'cut' && !isExpired;
  const untilCut = 'It can reconnect until its CA is replaced, in the last step.';
  if (result)
    return (
      <div>
        <LinkLabel look="revoked" />{' '}
        {isCut ? untilCut : <>It can still {withTimes(result.redemption.remaining)}.</>}
      </div>
    );
  if (link.revokedAt) return <>It is already revoked.{isCut && ` ${untilCut}`}</>;
  if (isExpired) return <>Its certificate has expired, and cannot be renewed any more.</>;
  if (isCut) return <>It is revoked at once. {untilCut}</>;
  return (
    <>
      It can reconnect until <Time at={link.notAfter} />.
    </>
  );
}
