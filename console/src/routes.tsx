import type { ComponentType } from 'preact';
import { GrantScreen } from './screens/grant.js';
import { GrantsScreen } from './screens/grants.js';
import { HealthScreen } from './screens/health.js';
import { IssuersScreen } from './screens/issuers.js';
import { LedgerScreen } from './screens/ledger.js';
import { LinkScreen } from './screens/link.js';
import { LinksScreen } from './screens/links.js';
import { MapScreen } from './screens/map.js';
import { NotFound } from './screens/not-found.js';
import { OverviewScreen } from './screens/overview.js';
import { TokensScreen } from './screens/tokens.js';
import { useLocation } from './state/location.js';

const SCREENS: Readonly<Record<string, ComponentType>> = {
  '/': OverviewScreen,
  '/grants': GrantsScreen,
  '/tokens': TokensScreen,
  '/links': LinksScreen,
  '/map': MapScreen,
  '/issuers': IssuersScreen,
  '/ledger': LedgerScreen,
  '/health': HealthScreen,
};

const DETAILS: readonly { readonly path: RegExp; readonly screen: ComponentType<{ readonly id: string }> }[] =
  [
    { path: /^\/grants\/([0-9a-f-]{36})$/, screen: GrantScreen },
    { path: /^\/links\/([0-9a-f-]{36})$/, screen: LinkScreen },
  ];

/** The screen that the address names. */
export function CurrentScreen() {
  const { path } = useLocation();
  const Listed = SCREENS[path];
  if (Listed) return <Listed />;
  for (const { path: pattern, screen: Detail } of DETAILS) {
    const id = pattern.exec(path)?.[1];
    if (id !== undefined) return <Detail key={id} id={id} />;
  }
  return <NotFound />;
}
