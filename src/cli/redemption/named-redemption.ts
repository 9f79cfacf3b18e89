import { AdministrationError } from '../../domain/administration-error.js';
import { isUuid } from '../../domain/names.js';
import { type Page, type PageRequest, pagesOf } from '../../redemption/ports/page.js';
import { CommandError, usageError } from '../terminal/command-error.js';

const MIN_PREFIX = 4;
const MAX_NAMED = 5;

/** The fields by which a user names a redemption. */
interface Named {
  readonly id: string;
  readonly subject: string;
}

/**
 * Returns the id of the redemption that `text` names. `text` is an id, at least the first four digits of an id, or a subject. Throws a
 * CommandError if no redemption or more than one has this name.
 */
export async function namedRedemption(
  text: string,
  source: {
    listRedemptions(page: PageRequest): Promise<Page<Named>>;
    /** Rejects with AdministrationError `no_such_redemption` if there is none. */
    showRedemption(id: string): Promise<unknown>;
  },
): Promise<string> {
  // The subject of a site in a cluster is the uid of its Site, by default.
  if (isUuid(text) && (await isId(text, source))) return text;
  const prefix = text.length >= MIN_PREFIX ? text.toLowerCase() : undefined;
  const found: Named[] = [];
  for await (const items of pagesOf((page) => source.listRedemptions(page))) {
    found.push(
      ...items.filter(
        ({ id, subject }) => subject === text || (prefix !== undefined && id.startsWith(prefix)),
      ),
    );
  }
  const [first, ...others] = found;
  if (!first) {
    throw new CommandError(`there is no redemption with the id or subject "${text}"`, {
      exitCode: 1,
      hint: 'see `linkgrant redemption list`',
    });
  }
  if (others.length === 0) return first.id;
  const ids = found.slice(-MAX_NAMED).map(({ id }) => id);
  const which = found.length > MAX_NAMED ? '; the last ones are' : ':';
  throw usageError(
    `"${text}" names ${found.length} redemptions`,
    `use the whole id of one${which} ${ids.join(', ')}`,
  );
}

async function isId(id: string, source: { showRedemption(id: string): Promise<unknown> }): Promise<boolean> {
  try {
    await source.showRedemption(id);
    return true;
  } catch (error) {
    if (error instanceof AdministrationError && error.code === 'no_such_redemption') return false;
    throw error;
  }
}
