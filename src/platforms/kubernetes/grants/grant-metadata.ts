import { isOwnName, MANAGED_BY } from '../../../domain/labels.js';
import {
  type LabelsAndNote,
  type LabelsAndNoteChange,
  truncateNote,
} from '../../../domain/labels-and-note.js';
import type { ResourceMetadata } from '../api/resource.js';

/** Annotation of an AccessGrant or Redemption: its note. */
const NOTE = 'linkgrant.dev/note';

/**
 * Returns the note of a resource, and its labels except those that linkgrant sets itself. Other programs may have set any number
 * of labels: `maxLabels` limits the result to the first ones by key.
 */
export function readLabelsAndNote(
  { labels = {}, annotations = {} }: ResourceMetadata,
  maxLabels?: number,
): LabelsAndNote {
  const userLabels = Object.entries(labels).filter(
    ([key, value]) => !isOwnName(key) || (key === MANAGED_BY && value !== 'linkgrant'),
  );
  // The API server sorts labels by key.
  const read = userLabels.slice(0, maxLabels);
  return { labels: Object.fromEntries(read), note: truncateNote(annotations[NOTE] ?? '') || null };
}

/** The metadata of a new resource: the labels and the note, merged with linkgrant's `own` labels and annotations. */
export function labelsAndNoteMetadata(
  { labels, note }: LabelsAndNote,
  own: Pick<ResourceMetadata, 'labels' | 'annotations'>,
): Pick<ResourceMetadata, 'labels' | 'annotations'> {
  const annotations = { ...own.annotations, ...(note !== null && { [NOTE]: note }) };
  return { labels: { ...labels, ...own.labels }, annotations };
}

/** The metadata of a merge patch that changes labels and note; undefined if neither changes. */
export function labelsAndNotePatch({ labels, note }: LabelsAndNoteChange): object | undefined {
  if (!labels && note === undefined) return undefined;
  return { ...(labels && { labels }), ...(note !== undefined && { annotations: { [NOTE]: note } }) };
}
