import { isOwnName } from './labels.js';
import { isLabelName, isLabelValue } from './names.js';

/** Labels of a grant or redemption, by key. Keys and values have the syntax of Kubernetes labels. */
export type Labels = Readonly<Record<string, string>>;

/** Text that users attach to a grant or redemption. It has no effect, and the ledger does not record it. */
export interface LabelsAndNote {
  readonly labels: Labels;
  /** Null for none. */
  readonly note: string | null;
}

/** Changes to labels and note; absent members stay unchanged. */
export interface LabelsAndNoteChange {
  /** Labels to set, and, with null, labels to remove. */
  readonly labels?: Readonly<Record<string, string | null>> | undefined;
  /** Null removes the note. */
  readonly note?: string | null | undefined;
}

/** For an object without labels and note. */
export const NO_LABELS_AND_NOTE: LabelsAndNote = { labels: {}, note: null };

/** Largest number of labels that linkgrant sets on an object. */
export const MAX_LABELS = 32;
const MAX_NOTE = 1_000;
// Control characters, and halves of surrogate pairs, which UTF-8 cannot encode.
const UNWRITABLE = /[\p{Cc}\p{Cs}]/u;
const RESERVED_PREFIX = 'internal.skupper.io/';

/** Returns `labels` after a change, sorted by key. */
export function changedLabels(labels: Labels, change: LabelsAndNoteChange['labels'] = {}): Labels {
  const entries = Object.entries({ ...labels, ...change }).filter(
    (entry): entry is [string, string] => entry[1] !== null,
  );
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Returns the labels and the note of an object after a change. */
export function changedLabelsAndNote(
  current: LabelsAndNote,
  { labels, note = current.note }: LabelsAndNoteChange,
): LabelsAndNote {
  return { labels: changedLabels(current.labels, labels), note };
}

/** Truncates a note that another program wrote to the length that {@link labelsAndNoteProblem} accepts. */
export function truncateNote(text: string): string {
  // A character has one or two UTF-16 units.
  return text.length <= MAX_NOTE ? text : [...text.slice(0, 2 * MAX_NOTE)].slice(0, MAX_NOTE).join('');
}

/** Returns why an object that has `labels` cannot be changed as requested, as a sentence; undefined if it can. */
export function labelsAndNoteProblem(
  { labels: change = {}, note }: LabelsAndNoteChange,
  labels: Labels = {},
): string | undefined {
  for (const [key, value] of Object.entries(change)) {
    if (!isLabelName(key)) {
      return `label key "${key}" is not valid: at most 63 letters, digits, -, _ and ., with an optional DNS name and / before them`;
    }
    if (isOwnName(key) || key.startsWith(RESERVED_PREFIX)) {
      return `label key "${key}" is reserved for linkgrant and Skupper`;
    }
    if (value !== null && !isLabelValue(value)) {
      return `label value "${value}" is not valid: at most 63 letters, digits, -, _ and ., the first and last a letter or digit`;
    }
  }
  // On Kubernetes other programs may have set more.
  const maxLabels = Math.max(MAX_LABELS, Object.keys(labels).length);
  if (Object.keys(changedLabels(labels, change)).length > maxLabels)
    return `there can be at most ${MAX_LABELS} labels`;
  if (note === undefined || note === null) return undefined;
  const length = [...note].length;
  if (length < 1 || length > MAX_NOTE) return `a note must have 1 to ${MAX_NOTE} characters`;
  return UNWRITABLE.test(note) ? 'a note must be one line without control characters' : undefined;
}
