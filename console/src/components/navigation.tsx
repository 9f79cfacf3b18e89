import { href, useLocation } from '../state/location.js';

const SCREENS = [
  { title: 'Overview', path: '/' },
  { title: 'Grants', path: '/grants' },
  { title: 'Links', path: '/links' },
  { title: 'Map', path: '/map' },
  { title: 'Issuers', path: '/issuers' },
  { title: 'Ledger', path: '/ledger' },
  { title: 'Health', path: '/health' },
];

/** The menu of the screens. */
export function Navigation() {
  const { path } = useLocation();
  return (
    <nav class="pf-v6-c-nav sidebar in-menu" aria-label="Screens">
      <ul class="pf-v6-c-nav__list">
        {SCREENS.map(({ title, path: to }) => {
          const isCurrent = to === '/' ? path === '/' : path === to || path.startsWith(`${to}/`);
          return (
            <li class="pf-v6-c-nav__item" key={to}>
              <a
                class={`pf-v6-c-nav__link ${isCurrent ? 'pf-m-current' : ''}`}
                href={href(to)}
                aria-current={isCurrent ? 'page' : undefined}
              >
                <span class="pf-v6-c-nav__link-text">{title}</span>
              </a>
            </li>
          );
        })}
      </ul>
    </nav>
  );
}
