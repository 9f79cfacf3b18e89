import { type Command, Option } from 'commander';
import { LABEL_SELECTOR_HINT, type LabelSelector, parseLabelSelector } from '../../domain/label-selector.js';
import type { Labels, LabelsAndNoteChange } from '../../domain/labels-and-note.js';
import { usageError } from '../terminal/command-error.js';
import { collect } from '../terminal/settings-options.js';

/** The flags for labels and note of a grant or redemption; each label is `KEY=VALUE`, or `KEY-` to remove it. */
export interface LabelFlags {
  readonly label?: readonly string[];
  readonly note?: string;
}

/** Adds the flags for the labels and the note of a new grant. */
export function addLabelFlags(command: Command): Command {
  return command
    .option('--label <KEY=VALUE>', 'label of the grant; -l filters lists by labels; may be repeated', collect)
    .option('--note <TEXT>', 'note about the grant, one line');
}

/** Adds the flags that change labels and note. */
export function addLabelChangeFlags(command: Command): Command {
  return command
    .option(
      '--label <KEY=VALUE>',
      'label to set; KEY- removes a label; -l filters lists by labels; may be repeated',
      collect,
    )
    .option('--note <TEXT>', "note to set, one line; '' removes it");
}

/** The flag that selects listed objects by their labels. */
export const SELECTOR = () =>
  new Option(
    '-l, --selector <SELECTOR>',
    'only with these labels (--label sets them): a=b, a!=b, a or !a, separated by commas',
  ).argParser(parseSelector);

function parseSelector(text: string): LabelSelector {
  const selector = parseLabelSelector(text);
  if (selector) return selector;
  throw usageError(`--selector ${LABEL_SELECTOR_HINT}`, 'sets such as `a in (b,c)` are not supported');
}

/** The labels and the note of a new grant. Throws a CommandError for a label without value. */
export function newLabels({ label = [], note }: LabelFlags): { labels?: Labels; note?: string | undefined } {
  const labels = Object.fromEntries(distinct(label.map(parseLabel)));
  return { ...(label.length > 0 && { labels }), note };
}

/**
 * The change of labels and note; undefined if there is none. Throws a CommandError for a label that is neither set nor removed.
 */
export function labelsChange({ label = [], note }: LabelFlags): LabelsAndNoteChange | undefined {
  if (label.length === 0 && note === undefined) return undefined;
  const parse = (text: string): [string, string | null] =>
    text.endsWith('-') && !text.includes('=') ? [text.slice(0, -1), null] : parseLabel(text);
  const labels = Object.fromEntries(distinct(label.map(parse)));
  return {
    ...(label.length > 0 && { labels }),
    ...(note !== undefined && { note: note === '' ? null : note }),
  };
}

function parseLabel(text: string): [string, string] {
  const at = text.indexOf('=');
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
  throw usageError(`--label "${text}" has no value`, 'write it as KEY=VALUE');
}

function distinct<V>(labels: readonly [string, V][]): readonly [string, V][] {
  const repeated = labels.find(([key], at) => labels.findIndex(([other]) => other === key) < at);
  if (!repeated) return labels;
  throw usageError(`--label "${repeated[0]}" is set twice`, 'leave one out');
}

/** Labels as text: `a=b, c=d`; undefined without labels. */
export function formatLabels(labels: Labels): string | undefined {
  const texts = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  return texts.length === 0 ? undefined : texts.join(', ');
}
