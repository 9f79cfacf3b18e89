import { useRef, useState } from 'preact/hooks';
import { type Api, client, dataOf } from '../api/client.js';
import { Command } from '../components/copyable.js';
import { Dialog, SubmitFooter } from '../components/dialog.js';
import { Field, OptionField } from '../components/field.js';
import { Failure } from '../components/notice.js';
import { policyFlags, policySentences, RULES } from '../components/policy.js';
import { useAction } from '../state/action.js';
import { hideQuery, href, navigate } from '../state/location.js';
import { useSession } from '../state/session.js';

const TEXT_RULES = RULES.filter(({ setting }) => setting !== 'linkgrant/csr-required');

/** A dialog that creates a grant, then opens it with the dialog for its first token. */
export function CreateGrant({ onClose }: { readonly onClose: () => void }) {
  const [name, setName] = useState('');
  const [uses, setUses] = useState('1');
  const [window, setWindow] = useState('1h');
  const [policy, setPolicy] = useState<Api['Policy']>({});
  // A repeated request of an unchanged form has the same key, so that it creates no second grant after a lost response.
  const idempotencyKey = useRef(crypto.randomUUID());
  const setRule = (setting: keyof Api['Policy'], value: string) => {
    const { [setting]: _before, ...rest } = policy;
    setPolicy(value === '' ? rest : { ...rest, [setting]: value });
  };
  const { namespace } = useSession();
  const action = useAction(
    async () => {
      const { uid } = await dataOf(
        client.POST('/api/v1/grants', {
          params: { header: { 'Idempotency-Key': idempotencyKey.current } },
          body: {
            namespace: await defaultNamespace(),
            name,
            redemptionsAllowed: Number(uses),
            expirationWindow: window,
            policy,
          },
        }),
      );
      return uid;
    },
    (uid) => {
      hideQuery();
      navigate(href(`/grants/${uid}`, { issue: 'token' }));
    },
  );
  const renewIdempotencyKey = () => {
    idempotencyKey.current = crypto.randomUUID();
  };
  const summary = [
    `${uses === '1' ? 'One site' : `${uses} sites`} can join within ${window} from now.`,
    ...policySentences(policy),
  ];
  return (
    <Dialog
      title="Create a grant"
      onClose={onClose}
      onSubmit={action.run}
      footer={
        <SubmitFooter
          name={action.isRunning ? 'Creating …' : 'Create, then issue a token'}
          action={action}
          onClose={onClose}
        />
      }
    >
      <div class="pf-v6-c-form" onInput={renewIdempotencyKey}>
        <Field
          label="Name"
          value={name}
          onInput={setName}
          isRequired
          hasFocus
          maxLength={253}
          pattern="[a-z0-9]([a-z0-9.\-]*[a-z0-9])?"
          help="A name for the grant, such as the name of the site that will join. Example: west. Lowercase letters, digits, dots and hyphens. Links get this name unless the site chooses another one."
        />
        <Field
          label="How many sites can join"
          isNumber
          pattern="[0-9]{1,7}"
          value={uses}
          onInput={setUses}
          isRequired
        />
        <Field
          label="How long it can be redeemed"
          value={window}
          onInput={setWindow}
          isRequired
          pattern="([0-9]+(s|m|h|d))+"
          help="For example 15m, 1h or 7d. Links that exist when the grant expires stay."
        />
        <details>
          <summary>Rules for sites</summary>
          <div class="pf-v6-c-form inset">
            {TEXT_RULES.map(({ setting, label, help }) => (
              <Field
                key={setting}
                label={label}
                value={policy[setting] ?? ''}
                onInput={(value) => setRule(setting, value)}
                help={help}
              />
            ))}
            <OptionField
              isChecked={policy['linkgrant/csr-required'] === 'true'}
              onInput={(isChecked) => setRule('linkgrant/csr-required', isChecked ? 'true' : '')}
            >
              Sites must generate their private key themselves. linkgrant does; Skupper's own client does not.
            </OptionField>
          </div>
        </details>
      </div>
      <p aria-live="polite">
        <strong>Summary:</strong> {summary.join(' ')}
      </p>
      <Command
        words={[
          'grant',
          'create',
          name || 'NAME',
          '--redemptions-allowed',
          uses,
          '--expiration-window',
          window,
          ...(namespace === undefined ? [] : ['--namespace', namespace]),
          ...policyFlags(policy),
        ]}
      />
      <Failure error={action.error} />
    </Dialog>
  );
}

/** Reads the namespace that the service uses if a request has none. */
async function defaultNamespace(): Promise<string> {
  return (await dataOf(client.GET('/api/v1/service'))).namespace;
}
