import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import type { ApiError } from '../api/client.js';
import { useLocation } from '../state/location.js';
import { setFilter } from '../state/page.js';
import { Icon } from './icon.js';
import { hintOfConsole } from './policy.js';
import { sentence, visible } from './text.js';

interface FieldProps {
  readonly label: string;
  readonly value: string;
  readonly onInput: (value: string) => void;
  readonly help?: ComponentChildren;
  /** Why the service refused the value; see {@link fieldError}. */
  readonly error?: string | undefined;
  readonly isRequired?: boolean;
  readonly isNumber?: boolean;
  readonly isDate?: boolean;
  /** True for a value of several lines, such as PEM. */
  readonly isLong?: boolean;
  readonly maxLength?: number;
  readonly placeholder?: string;
  readonly hasFocus?: boolean;
}

/**
 * Returns why the service refused the value of a field, and the remedy, as sentences; undefined if the error concerns no member of the
 * request, or another one.
 */
export function fieldError(error: ApiError | undefined, member: string): string | undefined {
  if (error?.member !== member) return undefined;
  // The dialog shows what failed (`the grant was not created: …`), and the label of the field is its name.
  const reason = error.message.replace(/^the [a-z]+ was not [a-z]+: /, '');
  const name = member.replace('policy.', '');
  const hint = error.hint && hintOfConsole(error.hint);
  const sentences = [reason.startsWith(`${name} `) ? `it${reason.slice(name.length)}` : reason, hint];
  return sentences.flatMap((text) => (text === undefined ? [] : [sentence(visible(text))])).join(' ');
}

/** A labelled text field. When its value is refused, it gets the focus and scrolls into view with the reason. */
export function Field({
  label,
  value,
  onInput,
  help,
  error,
  isRequired,
  hasFocus,
  isNumber,
  isDate,
  isLong,
  ...input
}: FieldProps) {
  const id = useId();
  const group = useRef<HTMLDivElement>(null);
  const isRefused = error !== undefined;
  useEffect(() => {
    if (!isRefused) return;
    group.current?.querySelector<HTMLElement>('input, textarea')?.focus();
    group.current?.scrollIntoView({ block: 'nearest' });
  }, [isRefused]);
  const descriptions = [isRefused && `${id}-error`, help && `${id}-help`].filter(Boolean).join(' ');
  const shared = {
    id,
    value,
    required: isRequired ?? false,
    autofocus: hasFocus ?? false,
    autocomplete: 'off',
    spellcheck: false,
    'aria-invalid': isRefused || undefined,
    'aria-describedby': descriptions || undefined,
    onInput: (event: { readonly currentTarget: { readonly value: string } }) =>
      onInput(event.currentTarget.value),
  };
  return (
    <div class="pf-v6-c-form__group field" ref={group}>
      <label class="pf-v6-c-form__label" for={id}>
        <span class="pf-v6-c-form__label-text">{label}</span>
        {isRequired && <span class="subtle"> (required)</span>}
      </label>
      <span class={`pf-v6-c-form-control ${isRefused ? 'pf-m-error' : ''}`}>
        {isLong ? (
          <textarea {...input} {...shared} rows={4} />
        ) : isDate ? (
          <input {...input} {...shared} type="date" />
        ) : (
          <input {...input} {...shared} inputMode={isNumber ? 'numeric' : 'text'} />
        )}
      </span>
      {isRefused && (
        <div class="pf-v6-c-form__helper-text" id={`${id}-error`} role="alert">
          <div class="pf-v6-c-helper-text">
            <span class="pf-v6-c-helper-text__item pf-m-error">
              <span class="pf-v6-c-helper-text__item-icon">
                <Icon name="danger" />
              </span>
              <span class="pf-v6-c-helper-text__item-text">{error}</span>
            </span>
          </div>
        </div>
      )}
      <Help id={`${id}-help`}>{help}</Help>
    </div>
  );
}

function Help({ id, children }: { readonly id: string; readonly children: ComponentChildren }) {
  if (!children) return null;
  return (
    <div class="pf-v6-c-form__helper-text" id={id}>
      <div class="pf-v6-c-helper-text">
        <span class="pf-v6-c-helper-text__item-text">{children}</span>
      </div>
    </div>
  );
}

interface SelectProps<T extends string> {
  readonly value: T;
  readonly options: readonly (readonly [value: T, text: string])[];
  readonly onInput: (value: T) => void;
  /** The label for screen readers; absent if a label element refers to `id`. */
  readonly label?: string;
  readonly id?: string;
  readonly describedBy?: string | undefined;
}

/** A list of choices. */
export function Select<T extends string>({
  label,
  value,
  options,
  onInput,
  id,
  describedBy,
}: SelectProps<T>) {
  return (
    <span class="pf-v6-c-form-control">
      <select
        id={id}
        value={value}
        aria-label={label}
        aria-describedby={describedBy}
        onInput={(event) => onInput(event.currentTarget.value as T)}
      >
        {options.map(([option, text]) => (
          <option value={option} key={option}>
            {text}
          </option>
        ))}
      </select>
      <span class="pf-v6-c-form-control__utilities">
        <span class="pf-v6-c-form-control__toggle-icon">
          <Icon name="expand" />
        </span>
      </span>
    </span>
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
      <label class="pf-v6-c-form__label" for={id}>
        <span class="pf-v6-c-form__label-text">{label}</span>
      </label>
      <Select
        id={id}
        value={value}
        options={options}
        describedBy={help ? `${id}-help` : undefined}
        onInput={onInput}
      />
      <Help id={`${id}-help`}>{help}</Help>
    </div>
  );
}

interface FilterProps {
  readonly label: string;
  /** The parameter of the URL that has the value. */
  readonly name: string;
}

/** A filter field: writes its value, without surrounding spaces, into the URL at each key press. */
export function FilterField({ name, ...field }: FilterProps & Pick<FieldProps, 'placeholder' | 'isDate'>) {
  const value = useLocation().query.get(name) ?? '';
  const [typed, setTyped] = useState({ text: value, applied: value });
  const onInput = (text: string) => {
    const applied = text.trim();
    setTyped({ text, applied });
    setFilter({ [name]: applied });
  };
  // Show `value` only if it changed outside this field, for example by going back; otherwise keep the spaces that the user typed.
  return <Field {...field} value={typed.applied === value ? typed.text : value} onInput={onInput} />;
}

/** A filter with a list of choices. */
export function FilterChoice({ name, ...choice }: FilterProps & Pick<ChoiceProps, 'options'>) {
  const value = useLocation().query.get(name) ?? '';
  return <Choice {...choice} value={value} onInput={(next) => setFilter({ [name]: next })} />;
}

interface OptionProps {
  readonly children: ComponentChildren;
  readonly isChecked: boolean;
  readonly onInput: (isChecked: boolean) => void;
  /** The radio buttons with the same group exclude each other; absent for a check box. */
  readonly group?: string;
}

/** A check box, or with `group` a radio button. */
export function OptionField({ children, isChecked, onInput, group }: OptionProps) {
  const kind = group === undefined ? 'check' : 'radio';
  return (
    <label class={`pf-v6-c-${kind}`}>
      <input
        class={`pf-v6-c-${kind}__input`}
        type={group === undefined ? 'checkbox' : 'radio'}
        name={group}
        checked={isChecked}
        onInput={(event) => onInput(event.currentTarget.checked)}
      />
      <span class={`pf-v6-c-${kind}__label`}>{children}</span>
    </label>
  );
}
