import { useEffect, useRef, useState } from 'preact/hooks';
import { announce } from '../api/changes.js';
import { type Api, ApiError, client, dataOf, omitUndefined } from '../api/client.js';
import { countText } from '../components/text.js';
import { useAction } from '../state/action.js';
import type { CutLink } from './cut-guide.js';
import type { Source } from './source-options.js';

/** A link to revoke. */
export type RevocableLink = CutLink & Pick<Api['Link'], 'grant' | 'revokedAt'>;
/** What the dialog does with the links: only revoke them, or also cut them off. */
export type Goal = 'revoke' | 'cut';
/** The result of one revocation. */
export type Result = Api['RevokedRedemption'] | ApiError;

// Requests that run at the same time.
const CONCURRENCY = 4;

/**
 * The state of the dialog that revokes links: the choices of the operator, the result of each link, and the action that revokes those
 * that are ready. After the dialog is closed, it starts no further request.
 */
export function useLinkRevocation<L extends RevocableLink>(links: readonly L[]) {
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
  const choicesOf = ({ id }: RevocableLink) => {
    const result = results.get(id);
    return result instanceof ApiError ? (result.choices as Source[]) : [];
  };
  // The site that is cut off must not be able to join again.
  const choices = [...new Set(remaining.flatMap(choicesOf))].filter(
    (choice) => goal === 'revoke' || choice !== 'keep-token',
  );
  const changeGoal = (newGoal: Goal) => {
    setGoal(newGoal);
    // The new goal may lack this option.
    setSource(undefined);
  };
  // A grant or token was revoked, so the refusals may no longer hold.
  const clearRefusals = () => {
    setResults(new Map([...results].filter(([, result]) => isRevoked(result))));
    setSource(undefined);
  };
  const body = {
    ...(source !== undefined && { source }),
    ...(note.trim() !== '' && { note: note.trim() }),
  };
  // The operator chooses once for all links. A link that lacks this choice is not ready: its token cannot be revoked alone.
  const isReady = (link: RevocableLink) =>
    choicesOf(link).length === 0 || (source !== undefined && choicesOf(link).includes(source));
  const ready = remaining.filter(isReady);
  const action = useAction(async () => {
    const resultById = new Map(results);
    for (const { id } of ready) resultById.delete(id);
    // The concurrent loops share this iterator, so each link is revoked once.
    const queue = ready.values();
    const revokeFromQueue = async () => {
      for (const { id } of queue) {
        if (isClosed.current) return;
        setResults(new Map(resultById));
        resultById.set(id, await revoke(id, body));
      }
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, revokeFromQueue));
    setResults(resultById);
    announce('all');
    requireAllRevoked(links.map(({ id }) => resultById.get(id)));
    return links.length;
  });
  const command = [
    'redemption',
    'revoke',
    ...remaining.map(({ id }) => id),
    ...(source ? [`--${source}`] : []),
    ...(body.note ? ['--note', body.note] : []),
  ];
  return {
    goal,
    changeGoal,
    source,
    setSource,
    note,
    setNote,
    choices,
    results,
    remaining,
    ready,
    clearRefusals,
    action,
    command,
  };
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

/** Throws ApiError if a link is not revoked: the error of a single link, or the number of links that are not revoked. */
function requireAllRevoked(results: readonly (Result | undefined)[]): void {
  const left = results.filter((result) => !isRevoked(result));
  if (results.length === 1 && left[0] instanceof ApiError) throw left[0];
  if (left.length === 0) return;
  const needsChoice = left.some((result) => result instanceof ApiError && result.choices.length > 0);
  throw new ApiError(
    'links_left',
    `${left.length} of ${countText(results.length, 'link')} ${left.length === 1 ? 'is' : 'are'} not revoked`,
    { hint: needsChoice ? 'Choose what happens to their token or grant.' : 'To try again, choose Revoke.' },
  );
}

function isRevoked(result: Result | undefined): boolean {
  return result !== undefined && !(result instanceof ApiError);
}
