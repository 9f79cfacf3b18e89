import { ButtonLink } from '../components/button.js';
import { EmptyState } from '../components/notice.js';
import { Screen } from '../components/screen.js';

/** The screen for an unknown address. */
export function NotFound() {
  return (
    <Screen title="There is no such page">
      <EmptyState title="The address does not name a page of the console">
        <p>The address may be from another version, or incomplete.</p>
        <ButtonLink href="/console/">Open the overview</ButtonLink>
      </EmptyState>
    </Screen>
  );
}
