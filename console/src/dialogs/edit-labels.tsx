import { useState } from 'preact/hooks';
import type { Api } from '../api/client.js';
import { Command } from '../components/copyable.js';
import { Dialog, SubmitFooter } from '../components/dialog.js';
import { Field } from '../components/field.js';
import { Failure } from '../components/notice.js';
import { useAction } from '../state/action.js';

type Change = Pick<Api['RedemptionChange'], 'labels' | 'note'>;

interface EditLabelsProps {
  readonly current: { readonly labels: Readonly<Record<string, string>>; readonly note?: string };
  /** The command that does the same, without its flags. */
  readonly command: readonly string[];
  readonly save: (change: Change) => Promise<unknown>;
  readonly onClose: () => void;
}

const textOf = (labels: Readonly<Record<string, string>>) =>
  Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(', ');

function labelsOf(text: string): Record<string, string> {
  const pairs = text
    .split(',')
    .map((pair) => pair.trim())
    .filter((pair) => pair !== '');
  return Object.fromEntries(
    pairs.map((pair) => {
      const [key = '', ...value] = pair.split('=');
      return [key.trim(), value.join('=').trim()];
    }),
  );
}

/** A dialog that changes the labels and the note of a grant or link. */
export function EditLabels({ current, command, save, onClose }: EditLabelsProps) {
  // Only what differs from this is saved, because another user may change the rest while the dialog is open.
  const [before] = useState(current);
  const [labels, setLabels] = useState(textOf(before.labels));
  const [note, setNote] = useState(before.note ?? '');
  const newLabels = labelsOf(labels);
  const changed = Object.entries(newLabels).filter(([key, value]) => before.labels[key] !== value);
  const removed = Object.keys(before.labels).filter((key) => !Object.hasOwn(newLabels, key));
  const isNoteChanged = note !== (before.note ?? '');
  const action = useAction(
    () =>
      save({
        labels: Object.fromEntries([...changed, ...removed.map((key) => [key, null] as const)]),
        ...(isNoteChanged && { note: note.trim() || null }),
      }),
    onClose,
  );
  return (
    <Dialog
      title="Labels and note"
      onClose={onClose}
      onSubmit={action.run}
      footer={<SubmitFooter name="Save" action={action} onClose={onClose} />}
    >
      <div class="pf-v6-c-form">
        <Field
          label="Labels"
          value={labels}
          onInput={setLabels}
          hasFocus
          help="KEY=VALUE, separated by commas. Example: team=payments, region=eu. You can filter lists by labels."
        />
        <Field label="Note" value={note} onInput={setNote} maxLength={1000} help="One line of free text." />
      </div>
      <Command
        words={[
          ...command,
          ...changed.flatMap(([key, value]) => ['--label', `${key}=${value}`]),
          ...removed.flatMap((key) => ['--label', `${key}-`]),
          ...(isNoteChanged ? ['--note', note] : []),
        ]}
      />
      <Failure error={action.error} />
    </Dialog>
  );
}
