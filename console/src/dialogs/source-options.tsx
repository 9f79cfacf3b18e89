import type { Api } from '../api/client.js';
import { OptionField } from '../components/field.js';

/** What to do with the token or grant of a link that is revoked. */
export type Source = NonNullable<Api['RedemptionRevocation']['source']>;

const SOURCES: Readonly<Record<Source, string>> = {
  'with-token': 'Revoke its token too',
  'with-grant': 'Revoke its grant too, with all tokens of the grant',
  'keep-token': 'Keep the token and the grant: the site could join again with them',
};

interface SourceOptionsProps {
  readonly legend: string;
  readonly choices: readonly Source[];
  readonly value: Source | undefined;
  readonly onSelect: (source: Source) => void;
}

/** The choice what to do with a token or grant that can be redeemed again. */
export function SourceOptions({ legend, choices, value, onSelect }: SourceOptionsProps) {
  return (
    <fieldset class="choices stack">
      <legend>{legend}</legend>
      {choices.map((choice) => (
        <OptionField
          key={choice}
          group="source"
          isChecked={value === choice}
          onInput={() => onSelect(choice)}
        >
          {SOURCES[choice]}
        </OptionField>
      ))}
    </fieldset>
  );
}
