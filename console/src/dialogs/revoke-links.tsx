import { useEffect, useRef, useState } from 'preact/hooks';
import { announce } from '../api/changes.js';
import { type Api, ApiError, client, dataOf, omitUndefined } from '../api/client.js';
import { Command, HostCommand, SAME_ON_HOST } from '../components/copyable.js';
import { ConfirmFooter, Dialog } from '../components/dialog.js';
import { Field, OptionField } from '../components/field.js';
import { Failure, Notice } from '../components/notice.js';
import { Label, LinkLabel } from '../components/state-label.js';
import { Table } from '../components/table.js';
import { countText, Foreign, sentence, visible } from '../components/text.js';
import { Time, useTimesInText } from '../components/time.js';
import { useAction } from '../state/action.js';
import { href } from '../state/location.js';
import { useSession } from '../state/session.js';
import { CutGuide, type CutLink } from './cut-guide.js';
import { type Source, SourceOptions } from './source-options.js';
import { WaysIn } from './ways-in.js';

/** A link to revoke. */
type Link = CutLink & Pick<Api['Link'], 'grant' | 'revokedAt'>;
type Goal = 'revoke' | 'cut';
type Result = Api['RevokedRedemption'] | ApiError;

// Requests that run at the same time.
const CONCURRENCY = 4;

interface RevokeLinksProps<L extends Link> {
  readonly links: readonly L[];
  /** Receives the links that were not revoked. */
  readonly onClose: (remaining: readonly L[]) => void;
}

/**
 * A dialog that revokes one or several links, each with a request of its own, and shows the result of each. On request it then
 * guides through cutting them off. When it is closed, it starts no further request.
 */
export function RevokeLinks<L extends Link>({ links, onClose }: RevokeLinksProps<L>) {
  const { isCluster } = useSession();
  const [goal, setGoal] = useState<Goal>('revoke');
  const [results, setResults] = useState<ReadonlyMap<string, Result>>(new Map());
  const [source, setSource] = useState<Source>();
  const [note, setNote] = useState('');
  const isClosed = useRef(false);
  useEffect(
    () => () => {
      isClosed.current = true;
    },
    [],
  );
  const remaining = links.filter(({ id }) => !isRevoked(results.get(id)));
  const choicesOf = ({ id }: Link) => {
    const result = results.get(id);
    return result instanceof ApiError ? (result.choices as Source[]) : [];
  };
  // The site that is cut off must not be able to join again.
  const choices = [...new Set(remaining.flatMap(choicesOf))].filter(
    (choice) => goal === 'revoke' || choice !== 'keep-token',
  );
  const changeGoal = (changed: Goal) => {
    setGoal(changed);
    // The new goal may lack this option.
    setSource(undefined);
  };
  // A grant or token was revoked, so the refusals may no longer hold.
  const clearRefusals = () => {
    setResults(new Map([...results].filter(([, result]) => isRevoked(result))));
    setSource(undefined);
  };
  const hasFailed = remaining.some(({ id }) => results.has(id));
  const words = {
    ...(source !== undefined && { source }),
    ...(note.trim() !== '' && { note: note.trim() }),
  };
  // A link whose token cannot be revoked alone waits for another choice.
  const isReady = (link: Link) =>
    choicesOf(link).length === 0 || (source !== undefined && choicesOf(link).includes(source));
  const ready = remaining.filter(isReady);
  const action = useAction(async () => {
    const found = new Map(results);
    for (const { id } of ready) found.delete(id);
    const revokeNext = async (queue: Iterator<L>) => {
      for (let next = queue.next(); !next.done && !isClosed.current; next = queue.next()) {
        setResults(new Map(found));
        found.set(next.value.id, await revoke(next.value.id, words));
      }
    };
    const queue = ready.values();
    await Promise.all(Array.from({ length: CONCURRENCY }, () => revokeNext(queue)));
    setResults(found);
    announce('all');
    const left = links.filter(({ id }) => !isRevoked(found.get(id))).map(({ id }) => found.get(id));
    if (links.length === 1 && left[0] instanceof ApiError) throw left[0];
    if (left.length > 0) {
      const needsChoice = left.some((result) => result instanceof ApiError && result.choices.length > 0);
      throw new ApiError(
        'links_left',
        `${left.length} of ${countText(links.length, 'link')} ${left.length === 1 ? 'is' : 'are'} not revoked`,
        {
          hint: needsChoice ? 'Choose what happens to their token or grant.' : 'To try again, choose Revoke.',
        },
      );
    }
    return links.length;
  });
  const done = links.length - remaining.length;
  const [only] = links.length === 1 ? links : [];
  const what = only ? `the link of ${visible(only.subject)}` : countText(links.length, 'link');
  const count = only ? '' : ` ${countText(ready.length || remaining.length, 'link')}`;
  const command = [
    ...['redemption', 'revoke', ...remaining.map(({ id }) => id)],
    ...(source ? [`--${source}`] : []),
    ...(words.note ? ['--note', words.note] : []),
  ];
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
          isDisabled={ready.length === 0}
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
          <OptionField group="goal" isChecked={goal === 'revoke'} onInput={() => changeGoal('revoke')}>
            <strong>Revoke:</strong> <Until link={only} />
          </OptionField>
          <OptionField group="goal" isChecked={goal === 'cut'} onInput={() => changeGoal('cut')}>
            <strong>Cut off:</strong> revoke, then replace the CA step by step. From the last step on{' '}
            {only ? 'the link' : 'these links'} can no longer connect. All other links renew first.
          </OptionField>
        </fieldset>
      )}
      <Failure error={hasFailed && !(only && choices.length > 0) ? action.error : undefined} />
      {choices.length > 0 && (
        <SourceOptions
          legend={`${only ? 'The site' : 'Some sites'} could join again, because the token or grant is not used up. Revoke it too?`}
          choices={choices}
          value={source}
          onSelect={setSource}
        />
      )}
      <WaysIn links={links} onRevoked={clearRefusals} />
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
            value={note}
            onInput={setNote}
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
function Until({ link }: { readonly link: Link | undefined }) {
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
  readonly links: readonly Link[];
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

function isRevoked(result: Result | undefined): boolean {
  return result !== undefined && !(result instanceof ApiError);
}

/** Revokes a link. Resolves with the error if that fails. */
async function revoke(id: string, body: Api['RedemptionRevocation']): Promise<Result> {
  try {
    return await dataOf(
      client.POST('/api/v1/redemptions/{id}/revoke', { params: { path: { id } }, body: omitUndefined(body) }),
    );
  } catch (error) {
    return error instanceof ApiError ? error : new ApiError('internal', String(error));
  }
}

interface EffectProps {
  readonly link: Link;
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
  const untilCut = 'It can reconnect until its CA is replaced, the last of the steps that follow.';
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
