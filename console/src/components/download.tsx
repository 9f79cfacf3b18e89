import { csvLine } from '../../../src/domain/csv.js';
import { type Action, useAction } from '../state/action.js';
import { useLocation } from '../state/location.js';
import { usePreferences } from '../state/preferences.js';
import { Failure, Notice } from './notice.js';
import { countText } from './text.js';
import { dayOf } from './time.js';

/** Lets the browser save a text as a file. */
export function download(name: string, type: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}

/** A file that the browser saves. */
export interface SavedRows {
  readonly file: string;
  readonly rows: number;
  /** The query of the page when they were read. */
  readonly query: string;
}

/**
 * An action that reads the items of a list through `read`, and lets the browser save them as comma-separated values (RFC 4180):
 * `columns` maps each heading to its value. `list` and the day are the name of the file.
 */
export function useCsv<T>(
  list: string,
  columns: Readonly<Record<string, (item: T) => string | number | undefined>>,
  read: () => Promise<readonly T[]>,
): Action<SavedRows> {
  const { clock } = usePreferences();
  const query = useLocation().query.toString();
  const action = useAction(async () => {
    const items = await read();
    const lines = [csvLine(Object.keys(columns))];
    for (const item of items) lines.push(csvLine(Object.values(columns).map((value) => value(item))));
    const file = `${list}-${dayOf(Date.now(), clock)}.csv`;
    download(file, 'text/csv', lines.join(''));
    return { file, rows: items.length, query };
  });
  // After another filter is chosen, the list is not the one that was saved.
  return { ...action, result: action.result?.query === query ? action.result : undefined };
}

/** What a download of {@link useCsv} has saved, or why it failed. */
export function CsvResult({ csv: { error, result } }: { readonly csv: Action<SavedRows> }) {
  return (
    <>
      <Failure error={error} />
      {result && !error && (
        <Notice
          kind="success"
          title={`Your browser saves ${result.file} with ${countText(result.rows, 'row')}`}
          isLive
        />
      )}
    </>
  );
}
