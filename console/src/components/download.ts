import { csvLine } from '../../../src/domain/csv.js';
import { type Action, useAction } from '../state/action.js';

/** Lets the browser save a text as a file. */
export function download(name: string, type: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}

/**
 * An action that reads the items of a list through `read`, and lets the browser save them as comma-separated values (RFC 4180):
 * `columns` maps each heading to its value.
 */
export function useCsv<T>(
  file: string,
  columns: Readonly<Record<string, (item: T) => string | number | undefined>>,
  read: () => Promise<readonly T[]>,
): Action<void> {
  return useAction(async () => {
    const lines = [csvLine(Object.keys(columns))];
    for (const item of await read()) lines.push(csvLine(Object.values(columns).map((value) => value(item))));
    download(file, 'text/csv', lines.join(''));
  });
}
