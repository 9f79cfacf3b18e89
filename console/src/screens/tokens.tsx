import { client, dataOf } from '../api/client.js';
import { Command } from '../components/copyable.js';
import { EmptyState, Loaded } from '../components/notice.js';
import { Screen } from '../components/screen.js';
import { Pager } from '../components/table.js';
import { href } from '../state/location.js';
import { usePage } from '../state/page.js';
import { useNamespaceFlags } from '../state/session.js';
import { TokenTable } from './grant-tokens.js';

/** The tokens of all grants that a site can still redeem, a page at a time. */
export function TokensScreen() {
  const namespaceFlags = useNamespaceFlags(undefined);
  const { resource, cursor } = usePage(
    'tokens',
    (page, signal) =>
      dataOf(client.GET('/api/v1/tokens', { signal, params: { query: { ...page, state: 'ready' } } })),
    ['grants', 'ledger', 'links'],
  );
  return (
    <Screen
      title="Open tokens"
      parent={{ title: 'Grants', href: href('/grants') }}
      intro="A site can still redeem each of these tokens. The page of a grant lists all its tokens."
    >
      <Loaded resource={resource}>
        {({ items, next }) => (
          <>
            {items.length > 0 && <TokenTable caption="Open tokens" tokens={items} />}
            {items.length === 0 && cursor === undefined && next === undefined && (
              <EmptyState title="No token is open">
                <p>
                  Tokens are issued from <a href={href('/grants')}>grants</a>.
                </p>
              </EmptyState>
            )}
            {items.length === 0 && next !== undefined && (
              <EmptyState title="No open token on this page">
                <p>Many tokens are no longer open. Continue with the next page.</p>
              </EmptyState>
            )}
            <Pager next={next} count={items.length} />
          </>
        )}
      </Loaded>
      <Command label="All tokens, in a terminal" words={['token', 'list', ...namespaceFlags]} />
    </Screen>
  );
}
