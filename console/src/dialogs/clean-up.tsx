import { type Api, ApiError, client, dataOf } from '../api/client.js';
import { Button } from '../components/button.js';
import { Command } from '../components/copyable.js';
import { Dialog } from '../components/dialog.js';
import { Failure, Loaded, Notice } from '../components/notice.js';
import { StateLabel } from '../components/state-label.js';
import { Table } from '../components/table.js';
import { countText, Foreign } from '../components/text.js';
import { useAction } from '../state/action.js';
import { useResource } from '../state/resource.js';

const ENDED = ['expired', 'exhausted', 'revoked'] as const;
// Refusals of a deletion that do not concern the other grants.
const SKIPPED: ReadonlySet<string> = new Set(['no_such_grant', 'grant_declared']);

/** The first page of ended grants of each state. */
async function readEnded(signal?: AbortSignal): Promise<Api['Grant'][]> {
  const pages = await Promise.all(
    ENDED.map((state) =>
      dataOf(
        client.GET('/api/v1/grants', { ...(signal && { signal }), params: { query: { limit: 100, state } } }),
      ),
    ),
  );
  return pages.flatMap(({ items }) => items);
}

/** A dialog that deletes grants that have ended. */
export function CleanUp({ onClose }: { readonly onClose: () => void }) {
  const ended = useResource('grants/ended', readEnded, ['grants']);
  const grants = ended.data ?? [];
  const action = useAction(async () => {
    let deleted = 0;
    for (const { uid } of grants) {
      try {
        await dataOf(client.DELETE('/api/v1/grants/{uid}', { params: { path: { uid } } }));
        deleted += 1;
      } catch (error) {
        // Another user has deleted the grant, or a file declares it. The others are deleted all the same.
        if (!(error instanceof ApiError) || !SKIPPED.has(error.code)) throw error;
      }
    }
    return deleted;
  });
  const isDone = action.result !== undefined;
  return (
    <Dialog
      title="Delete ended grants"
      onClose={onClose}
      footer={
        isDone ? (
          <Button kind="primary" onClick={onClose}>
            Done
          </Button>
        ) : (
          <>
            <Button
              kind="danger"
              isDisabled={grants.length === 0 || ended.isLoading || action.isRunning}
              onClick={action.run}
            >
              {action.isRunning ? 'Deleting …' : `Delete ${countText(grants.length, 'grant')}`}
            </Button>
            <Button kind="link" onClick={onClose}>
              Cancel
            </Button>
          </>
        )
      }
    >
      {isDone ? (
        <Notice kind="success" title={`${countText(action.result ?? 0, 'grant')} deleted`} isLive />
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
              grants[0]?.name ?? 'NAME',
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
