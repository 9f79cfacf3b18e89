import { useEffect, useRef, useState } from 'preact/hooks';
import { announce } from '../api/changes.js';
import { type Api, ApiError, client, dataOf, omitUndefined } from '../api/client.js';
import { Command } from '../components/copyable.js';
import { ConfirmFooter, Dialog } from '../components/dialog.js';
import { Field } from '../components/field.js';
import { Failure, Notice } from '../components/notice.js';
import { Label, LinkLabel } from '../components/state-label.js';
import { Table } from '../components/table.js';
import { countText, Foreign, sentence, visible } from '../components/text.js';
import { Time, useTimesInText } from '../components/time.js';
import { useAction } from '../state/action.js';
import { type Source, SourceOptions } from './source-options.js';

type Link = Api['Link'];
type Result = Api['RevokedRedemption'] | ApiError;

// Requests that run at the same time.
const CONCURRENCY = 4;

interface RevokeLinksProps {
  readonly links: readonly Link[];
  /** Receives the links that were not revoked. */
  readonly onClose: (remaining: readonly Link[]) => void;
}

/**
 * A dialog that revokes several links, each with a request of its own, and shows the result of each. When it is closed, it starts
 * no further request.
 */
export function RevokeLinks({ links, onClose }: RevokeLinksProps) {
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
  const choices = [...new Set(remaining.flatMap(choicesOf))];
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
    const revokeNext = async (queue: Iterator<Link>) => {
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
  return (
    <Dialog
      title={`Revoke ${countText(links.length, 'link')}`}
      onClose={() => onClose(remaining)}
      footer={
        <ConfirmFooter
          name={
            action.isRunning
              ? `Revoked ${done} of ${links.length} …`
              : `Revoke ${countText(ready.length || remaining.length, 'link')}`
          }
          action={action}
          isDisabled={ready.length === 0}
          onClose={() => onClose(remaining)}
        />
      }
    >
      {action.result === undefined ? (
        <p>
          From now on their certificates cannot be renewed. Each link stays connected, and can reconnect until
          its certificate expires. To cut a link off earlier, open its page.
        </p>
      ) : (
        <Notice kind="success" title={`${countText(links.length, 'link')} revoked`} isLive />
      )}
      <Failure error={action.error} />
      {choices.length > 0 && (
        <SourceOptions
          legend="Some sites could join again, because their token or grant is not used up. Revoke it too?"
          choices={choices}
          value={source}
          onSelect={setSource}
        />
      )}
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
          { header: 'What happens', cell: (link) => <Effect link={link} result={results.get(link.id)} /> },
        ]}
      />
      {action.result === undefined && (
        <>
          <Field
            label="Note"
            value={note}
            onInput={setNote}
            maxLength={1000}
            help="For example the reason. It replaces the note of each link."
          />
          <Command
            words={[
              ...['redemption', 'revoke', ...remaining.map(({ id }) => id)],
              ...(source ? [`--${source}`] : []),
              ...(words.note ? ['--note', words.note] : []),
            ]}
          />
        </>
      )}
    </Dialog>
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

/** What will happen to a link, or what has happened. */
function Effect({ link, result }: { readonly link: Link; readonly result: Result | undefined }) {
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
  if (result)
    return (
      <div>
        <LinkLabel look="revoked" /> It can still {withTimes(result.redemption.remaining)}.
      </div>
    );
  if (link.state === 'revoked') return <>It is already revoked.</>;
  if (link.state === 'expired') return <>Its certificate has expired, and cannot be renewed any more.</>;
  return (
    <>
      It can reconnect until <Time at={link.notAfter} />.
    </>
  );
}
