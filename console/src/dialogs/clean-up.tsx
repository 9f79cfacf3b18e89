import { useState } from 'preact/hooks';
import { ENDED_STATES } from '../../../src/domain/access-grant.js';
import { operand } from '../../../src/domain/shell-words.js';
import { type Api, ApiError, client, dataOf } from '../api/client.js';
import { Command } from '../components/copyable.js';
import { ConfirmFooter, Dialog } from '../components/dialog.js';
import { Failure, Loaded, Notice } from '../components/notice.js';
import { StateLabel } from '../components/state-label.js';
import { Table } from '../components/table.js';
import { countText, Foreign } from '../components/text.js';
import { useAction } from '../state/action.js';
import { useResource } from '../state/resource.js';

// After these refusals of one deletion the other grants are still deleted.
const SKIPPED: ReadonlySet<string> = new Set(['no_such_grant', 'grant_declared']);

/** Reads the first page of the grants in each ended state. */
async function readEnded(signal: AbortSignal): Promise<Api['Grant'][]> {
  const pages = await Promise.all(
    ENDED_STATES.map((state) =>
      dataOf(client.GET('/api/v1/grants', { signal, params: { query: { limit: 100, state } } })),
    ),
  );
  return pages.flatMap(({ items }) => items);
}

/** A dialog that deletes grants that have ended. */
export function CleanUp({ onClose }: { readonly onClose: () => void }) {
  const ended = useResource('grants/ended', readEnded, ['grants']);
  const [openedAt] = useState(Date.now);
  // Cached data may be old: a grant in it may have been extended. So the button needs data that were read after the opening.
  const isCurrent = ended.readAt !== undefined && ended.readAt >= openedAt;
  const grants = ended.data ?? [];
  const action = useAction(async () => {
    let deleted = 0;
    for (const { uid } of grants) {
      try {
        await dataOf(client.DELETE('/api/v1/grants/{uid}', { params: { path: { uid } } }));
        deleted += 1;
      } catch (error) {
        // Another user has deleted the grant, or a file declares it.
        if (!(error instanceof ApiError) || !SKIPPED.has(error.code)) throw error;
      }
    }
    return deleted;
  });
  return (
    <Dialog
      title="Delete ended grants"
      onClose={onClose}
      footer={
        <ConfirmFooter
          name={action.isRunning ? 'Deleting …' : `Delete ${countText(grants.length, 'grant')}`}
          action={action}
          isDisabled={grants.length === 0 || !isCurrent}
          onClose={onClose}
        />
      }
    >
      {action.result !== undefined ? (
        <Notice kind="success" title={`${countText(action.result, 'grant')} deleted`} isLive />
      ) : (
        <>
          <p>
            These grants accept no redemption now. Their links stay, and the ledger still lists their
            redemptions. After the deletion, a site that lost the response cannot repeat its redemption.
          </p>
          <Loaded resource={ended}>
            {(items) =>
              items.length === 0 ? (
                <p>There is no ended grant.</p>
              ) : (
                <Table
                  caption="Ended grants"
                  keyOf={({ uid }) => uid}
                  items={items}
                  columns={[
                    { header: 'Name', isHeader: true, cell: ({ name }) => <Foreign text={name} /> },
                    { header: 'State', cell: ({ state }) => <StateLabel state={state} /> },
                    {
                      header: 'Redeemed',
                      cell: ({ redemptions, redemptionsAllowed }) =>
                        `${redemptions} of ${redemptionsAllowed}`,
                    },
                  ]}
                />
              )
            }
          </Loaded>
          <Command
            words={[
              'grant',
              'delete',
              operand(grants[0]?.name ?? 'NAME'),
              '--namespace',
              grants[0]?.namespace ?? 'default',
            ]}
            label="The same in a terminal, once for each grant"
          />
        </>
      )}
      <Failure error={action.error} />
    </Dialog>
  );
}
