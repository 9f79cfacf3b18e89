import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';

interface FieldProps {
  readonly label: string;
  readonly value: string;
  readonly onInput: (value: string) => void;
  readonly help?: ComponentChildren;
  readonly isRequired?: boolean;
  readonly pattern?: string;
  readonly isNumber?: boolean;
  readonly isDate?: boolean;
  readonly maxLength?: number;
  readonly placeholder?: string;
  readonly hasFocus?: boolean;
}

/** A labelled text field. */
export function Field({
  label,
  value,
  onInput,
  help,
  isRequired,
  hasFocus,
  isNumber,
  isDate,
  ...input
}: FieldProps) {
  const id = useId();
  const shared = {
    id,
    value,
    required: isRequired ?? false,
    autofocus: hasFocus ?? false,
    autocomplete: 'off',
    spellcheck: false,
    'aria-describedby': help ? `${id}-help` : undefined,
    onInput: (event: { readonly currentTarget: HTMLInputElement }) => onInput(event.currentTarget.value),
  };
  return (
    <div class="pf-v6-c-form__group field">
      <label class="field-label" for={id}>
        {label}
        {isRequired && <span class="subtle"> (required)</span>}
      </label>
      <span class="pf-v6-c-form-control">
        {isDate ? (
          <input {...input} {...shared} type="date" />
        ) : (
          <input {...input} {...shared} inputMode={isNumber ? 'numeric' : 'text'} />
        )}
      </span>
      {help && (
        <div class="field-help" id={`${id}-help`}>
          {help}
        </div>
      )}
    </div>
  );
}

interface ChoiceProps {
  readonly label: string;
  readonly value: string;
  readonly options: readonly (readonly [value: string, text: string])[];
  readonly onInput: (value: string) => void;
  readonly help?: ComponentChildren;
}

/** A labelled list of choices. */
export function Choice({ label, value, options, onInput, help }: ChoiceProps) {
  const id = useId();
  return (
    <div class="pf-v6-c-form__group field">
      <label class="field-label" for={id}>
        {label}
      </label>
      <span class="pf-v6-c-form-control">
        <select
          id={id}
          value={value}
          aria-describedby={help ? `${id}-help` : undefined}
          onInput={(event) => onInput(event.currentTarget.value)}
        >
          {options.map(([option, text]) => (
            <option value={option} key={option}>
              {text}
            </option>
          ))}
        </select>
      </span>
      {help && (
        <div class="field-help" id={`${id}-help`}>
          {help}
        </div>
      )}
    </div>
  );
}

const PAUSE_MS = 120;

interface FilterProps {
  readonly label: string;
  readonly value: string;
  readonly onFilter: (value: string) => void;
  readonly placeholder?: string;
  readonly isDate?: boolean;
}

/** A filter field: its value is applied after a short pause in typing. */
export function FilterField({ value, onFilter, ...field }: FilterProps) {
  const [typed, setTyped] = useState({ text: value, applied: value });
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const onInput = (text: string) => {
    clearTimeout(timer.current);
    setTyped({ text, applied: value });
    timer.current = setTimeout(() => {
      const applied = text.trim();
      setTyped({ text, applied });
      onFilter(applied);
    }, PAUSE_MS);
  };
  // Only a value that does not come from this field replaces the text: the user may have typed more since it was applied.
  return <Field {...field} value={typed.applied === value ? typed.text : value} onInput={onInput} />;
}
