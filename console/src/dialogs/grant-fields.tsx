import { useState } from 'preact/hooks';
import type { Api, ApiError } from '../api/client.js';
import { Field, fieldError, OptionField } from '../components/field.js';
import { RULES, SWITCHES } from '../components/policy.js';

type Policy = Api['Policy'];

const TEXT_RULES = RULES.filter(({ setting }) => !SWITCHES.includes(setting));
const MEMBERS: ReadonlySet<string | undefined> = new Set([
  ...['redemptionsAllowed', 'expirationWindow'],
  ...TEXT_RULES.map(({ setting }) => `policy.${setting}`),
]);

/** True if one of {@link GrantFields} shows the error. */
export function hasGrantField(error: ApiError | undefined): boolean {
  return MEMBERS.has(error?.member);
}

interface GrantFieldsProps {
  readonly uses: string;
  readonly setUses: (uses: string) => void;
  readonly window: string;
  /** Absent if the window cannot be changed: it has no field. */
  readonly setWindow?: ((window: string) => void) | undefined;
  readonly windowHelp?: string;
  readonly policy: Policy;
  readonly setPolicy: (policy: Policy) => void;
  readonly error: ApiError | undefined;
}

/** The fields of a grant that can change: sites allowed, expiry and rules. */
export function GrantFields({
  uses,
  setUses,
  window,
  setWindow,
  windowHelp = 'For example 15m, 1h or 7d. Links that exist when the grant expires stay.',
  policy,
  setPolicy,
  error,
}: GrantFieldsProps) {
  const hasRefusedRule = error?.member?.startsWith('policy.') ?? false;
  const [isOpen, setOpen] = useState(Object.keys(policy).length > 0);
  // Not in an effect: the refused field gets the focus only if it is visible.
  const [hadRefusedRule, setHadRefusedRule] = useState(hasRefusedRule);
  if (hasRefusedRule !== hadRefusedRule) {
    setHadRefusedRule(hasRefusedRule);
    setOpen(isOpen || hasRefusedRule);
  }
  const setRule = (setting: keyof Policy, value: string) => {
    const { [setting]: _before, ...rest } = policy;
    setPolicy(value === '' ? rest : { ...rest, [setting]: value });
  };
  return (
    <>
      <Field
        label="How many sites can join"
        isNumber
        value={uses}
        onInput={setUses}
        isRequired
        error={fieldError(error, 'redemptionsAllowed')}
      />
      {setWindow && (
        <Field
          label="How long it can be redeemed"
          value={window}
          onInput={setWindow}
          isRequired
          help={windowHelp}
          error={fieldError(error, 'expirationWindow')}
        />
      )}
      <details open={isOpen} onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>Rules for sites</summary>
        <div class="pf-v6-c-form inset">
          {TEXT_RULES.map(({ setting, label, help }) => (
            <Field
              key={setting}
              label={label}
              value={policy[setting] ?? ''}
              onInput={(value) => setRule(setting, value)}
              help={help}
              error={fieldError(error, `policy.${setting}`)}
            />
          ))}
          <OptionField
            isChecked={policy['linkgrant/csr-required'] === 'true'}
            onInput={(isChecked) => setRule('linkgrant/csr-required', isChecked ? 'true' : '')}
          >
            Sites must generate their private key themselves. linkgrant does; Skupper's own client does not.
          </OptionField>
          <OptionField
            isChecked={policy['linkgrant/identity-required'] === 'true'}
            onInput={(isChecked) => setRule('linkgrant/identity-required', isChecked ? 'true' : '')}
          >
            Sites must join with an identity, or with a token for their key. The code of the grant is refused.
          </OptionField>
        </div>
      </details>
    </>
  );
}
