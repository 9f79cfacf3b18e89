import { ButtonLink } from '../components/button.js';
import { EmptyState } from '../components/notice.js';
import { Screen } from '../components/screen.js';

/** The screen of an address that names none. */
export function NotFound() {
  return (
    <Screen title="There is no such page">
      <EmptyState title="The address does not name a page of the console">
        <p>It may come from another version, or was cut off.</p>
        <ButtonLink href="/console/">Open the overview</ButtonLink>
      </EmptyState>
    </Screen>
  );
}
