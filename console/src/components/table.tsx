import type { ComponentChildren } from 'preact';
import { href, navigate, replaceQuery, useLocation } from '../state/location.js';
import { Button } from './button.js';
import { Icon } from './icon.js';

/** A column of a table. */
export interface Column<T> {
  readonly header: string;
  readonly cell: (item: T) => ComponentChildren;
  /** True for the column that names the row. */
  readonly isHeader?: boolean;
  /** True for a column that a narrow window omits: the page of the item shows it. */
  readonly isMinor?: boolean;
  /** The order of the list after a click on the header. */
  readonly sort?: string;
}

interface TableProps<T> {
  /** Read out by screen readers. */
  readonly caption: string;
  readonly columns: readonly Column<T>[];
  readonly items: readonly T[];
  readonly keyOf: (item: T) => string;
  /** The `sort` of a column, with `-` before it in reverse order, and what changes it. */
  readonly order?: { readonly sort: string; readonly onSort: (sort: string) => void };
  /** Adds a check box to each row, unless it is false. */
  readonly selection?: Selection<T> | false;
}

/** The selected items of a table. */
interface Selection<T> {
  readonly has: (item: T) => boolean;
  readonly onSelect: (items: readonly T[], isSelected: boolean) => void;
  /** Names an item for screen readers. */
  readonly nameOf: (item: T) => string;
}

/** A table. In a narrow window it is a list with a card for each item; the title of a card is the cell that names the item. */
export function Table<T>({ caption, columns, items, keyOf, order, selection }: TableProps<T>) {
  return (
    <div class="table-frame">
      <table class="pf-v6-c-table pf-m-grid-md pf-m-compact">
        <caption class="pf-v6-screen-reader">{caption}</caption>
        <thead class="pf-v6-c-table__thead">
          <tr class="pf-v6-c-table__tr">
            {selection && (
              <CheckCell
                label="Select all rows of this page"
                isChecked={items.every(selection.has)}
                onInput={(isSelected) => selection.onSelect(items, isSelected)}
              />
            )}
            {columns.map(({ header, sort }) =>
              order && sort !== undefined ? (
                <SortHeader header={header} sort={sort} order={order} key={header} />
              ) : (
                <th class="pf-v6-c-table__th" scope="col" key={header}>
                  {header}
                </th>
              ),
            )}
          </tr>
        </thead>
        <tbody class="pf-v6-c-table__tbody">
          {items.map((item) => (
            <tr class="pf-v6-c-table__tr" key={keyOf(item)}>
              {selection && (
                <CheckCell
                  label={`Select ${selection.nameOf(item)}`}
                  isChecked={selection.has(item)}
                  onInput={(isSelected) => selection.onSelect([item], isSelected)}
                />
              )}
              {columns.map(({ header, cell, isHeader, isMinor }) =>
                isHeader ? (
                  <th class="pf-v6-c-table__th" scope="row" key={header}>
                    {cell(item)}
                  </th>
                ) : (
                  <td class={`pf-v6-c-table__td ${isMinor ? 'minor' : ''}`} data-label={header} key={header}>
                    <div>{cell(item)}</div>
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface CheckCellProps {
  readonly label: string;
  readonly isChecked: boolean;
  readonly onInput: (isChecked: boolean) => void;
}

function CheckCell({ label, isChecked, onInput }: CheckCellProps) {
  return (
    <td class="pf-v6-c-table__td">
      <input
        type="checkbox"
        aria-label={label}
        checked={isChecked}
        onInput={(event) => onInput(event.currentTarget.checked)}
      />
    </td>
  );
}

interface SortHeaderProps {
  readonly header: string;
  readonly sort: string;
  readonly order: NonNullable<TableProps<unknown>['order']>;
}

/** A header that sorts the list by its column, or reverses the order. */
function SortHeader({ header, sort, order }: SortHeaderProps) {
  const isUp = order.sort === sort;
  const isDown = order.sort === `-${sort}`;
  return (
    <th
      class={`pf-v6-c-table__th sort ${isUp || isDown ? 'sorted' : ''} ${isUp ? 'up' : ''}`}
      scope="col"
      aria-sort={isUp ? 'ascending' : isDown ? 'descending' : undefined}
    >
      <button type="button" onClick={() => order.onSort(isUp ? `-${sort}` : sort)}>
        {header}
        {'\u00a0'}
        <Icon name="expand" />
      </button>
    </th>
  );
}

/** What the service returns about the position of a page in its list. */
interface Position {
  readonly total?: number;
  readonly before?: number;
  readonly previous?: string;
}

interface PagerProps {
  readonly next: string | undefined;
  readonly count: number;
  /** The position of the page; absent for a list whose service does not count the items. */
  readonly position?: Position;
  /** The URL parameter of the cursor, for a table that is only a section of a screen. If absent, it is `cursor`. */
  readonly parameter?: string;
}

/** Buttons for the next page of a listing, and back to the first one. The cursor is in the URL. */
export function Pager({ next, count, parameter, position = {} }: PagerProps) {
  const { path, query } = useLocation();
  const cursor = query.get(parameter ?? 'cursor') ?? undefined;
  const { total, before = 0, previous } = position;
  if (cursor === undefined && next === undefined) return <p class="pager row subtle">{count} shown</p>;
  const go = (to: string | undefined) => {
    // Paging a section must not add to the history or scroll to the top; paging a whole screen does both.
    if (parameter) replaceQuery({ [parameter]: to });
    else navigate(href(path, { ...Object.fromEntries(query), cursor: to }));
  };
  return (
    <nav class="pager row" aria-label={parameter ? `Pages of ${parameter}` : 'Pages'}>
      <span class="subtle">
        {total === undefined ? `${count} on this page` : rangeText(before, count, total)}
      </span>
      <Button isDisabled={cursor === undefined} onClick={() => go(undefined)}>
        First page
      </Button>
      {total !== undefined && (
        <Button isDisabled={before === 0} onClick={() => go(previous)}>
          Previous page
        </Button>
      )}
      <Button isDisabled={next === undefined} onClick={() => go(next)}>
        Next page
      </Button>
    </nav>
  );
}

/** `51–100 of 9,998`. */
function rangeText(before: number, count: number, total: number): string {
  const range =
    count === 0 ? '0' : [before + 1, before + count].map((number) => number.toLocaleString('en')).join('–');
  return `${range} of ${total.toLocaleString('en')}`;
}
