import type { ComponentType } from 'preact';
import { GrantScreen } from './screens/grant.js';
import { GrantsScreen } from './screens/grants.js';
import { NotFound } from './screens/not-found.js';
import { useLocation } from './state/location.js';

/** The screens of the menu. */
export const SECTIONS: readonly {
  readonly title: string;
  readonly path: string;
  readonly screen: ComponentType;
}[] = [{ title: 'Grants', path: '/grants', screen: GrantsScreen }];

const DETAILS: readonly { readonly path: RegExp; readonly screen: ComponentType<{ readonly id: string }> }[] =
  [{ path: /^\/grants\/([0-9a-f-]{36})$/, screen: GrantScreen }];

/** The screen that the address names. */
export function CurrentScreen() {
  const { path } = useLocation();
  const section = SECTIONS.find((one) => one.path === path) ?? (path === '/' ? SECTIONS[0] : undefined);
  if (section) return <section.screen />;
  for (const { path: pattern, screen: Detail } of DETAILS) {
    const id = pattern.exec(path)?.[1];
    if (id !== undefined) return <Detail key={id} id={id} />;
  }
  return <NotFound />;
}
