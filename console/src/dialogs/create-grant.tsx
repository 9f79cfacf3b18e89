import { useEffect, useRef, useState } from 'preact/hooks';
import { operand } from '../../../src/domain/shell-words.js';
import { type Api, client, dataOf, omitUndefined, readPages } from '../api/client.js';
import { Command } from '../components/copyable.js';
import { Dialog, SubmitFooter } from '../components/dialog.js';
import { Field, fieldError } from '../components/field.js';
import { Failure, Notice } from '../components/notice.js';
import { policyFlags, policySentences } from '../components/policy.js';
import { visible } from '../components/text.js';
import { useAction } from '../state/action.js';
import { hideQuery, href, navigate } from '../state/location.js';
import { useSession } from '../state/session.js';
import { GrantFields, hasGrantField } from './grant-fields.js';
import { nameForSite, policyForSite, type WaitingSite, WINDOW_FOR_SITE } from './waiting-site.js';

type Policy = Api['Policy'];

const MAX_NAMES = 20;

interface CreateGrantProps {
  readonly onClose: () => void;
  /** The site that the grant is for, if it is for one site alone. */
  readonly site?: WaitingSite;
}

/** A dialog that creates a grant, then opens it with the dialog for its first token. */
export function CreateGrant({ onClose, site }: CreateGrantProps) {
  const [name, setName] = useState(nameForSite(site));
  const [isNameReady, setNameReady] = useState(!site);
  const [uses, setUses] = useState('1');
  const [window, setWindow] = useState(site ? WINDOW_FOR_SITE : '1h');
  const [policy, setPolicy] = useState<Policy>(policyForSite(site));
  // A repeated request of an unchanged form has the same key, so that it creates no second grant after a lost response.
  const idempotencyKey = useRef(crypto.randomUUID());
  const session = useSession();
  const namespace = site?.grant?.namespace ?? session.namespace;
  const issuer = site?.grant?.issuer;
  useEffect(() => {
    // If the grants cannot be read, the name stays, and the service refuses it if a grant has it.
    if (site)
      freeName(name, namespace)
        .then((free) => setName((typed) => (typed === name ? free : typed)))
        .catch(() => undefined)
        .finally(() => setNameReady(true));
  }, []);
  const action = useAction(
    async () => {
      const { uid } = await dataOf(
        client.POST('/api/v1/grants', {
          params: { header: { 'Idempotency-Key': idempotencyKey.current } },
          body: {
            namespace: namespace ?? (await defaultNamespace()),
            name,
            redemptionsAllowed: Number(uses),
            expirationWindow: window,
            policy,
            ...omitUndefined({ issuer }),
          },
        }),
      );
      return uid;
    },
    (uid) => {
      hideQuery();
      navigate(href(`/grants/${uid}`, { issue: 'token', subject: site?.subject, replaces: site?.replaces }));
    },
  );
  const renewIdempotencyKey = () => {
    idempotencyKey.current = crypto.randomUUID();
  };
  const summary = [
    `${uses === '1' ? 'One site' : `${uses} sites`} can join within ${window} from now.`,
    ...policySentences(policy),
  ];
  const { error } = action;
  return (
    <Dialog
      title={site ? `Create a grant for ${visible(site.subject)}` : 'Create a grant'}
      onClose={onClose}
      onSubmit={action.run}
      footer={
        <SubmitFooter
          name={action.isRunning ? 'Creating …' : 'Create, then issue a token'}
          action={action}
          onClose={onClose}
          isDisabled={!isNameReady}
        />
      }
    >
      {site && <WhyNewGrant site={site} />}
      <div class="pf-v6-c-form" onInput={renewIdempotencyKey}>
        <Field
          label="Name"
          value={name}
          onInput={setName}
          isRequired
          hasFocus
          maxLength={253}
          help="A name for the grant, such as the name of the site that will join. Example: west. Lowercase letters, digits, dots and hyphens. Links get this name unless the site chooses another one."
          error={fieldError(error, 'name')}
        />
        <GrantFields {...{ uses, setUses, window, setWindow, policy, setPolicy, error }} />
      </div>
      <p aria-live="polite">
        <strong>Summary:</strong> {summary.join(' ')}
      </p>
      <Command
        words={[
          'grant',
          'create',
          operand(name || 'NAME'),
          '--redemptions-allowed',
          uses,
          '--expiration-window',
          window,
          ...(namespace === undefined ? [] : ['--namespace', namespace]),
          ...(issuer === undefined ? [] : ['--issuer', issuer]),
          ...policyFlags(policy),
        ]}
      />
      {error?.member !== 'name' && !hasGrantField(error) && <Failure error={error} />}
    </Dialog>
  );
}

const ENDS = { exhausted: 'has no use left', expired: 'has expired', revoked: 'is revoked' };

function WhyNewGrant({ site: { grant, replaces } }: { readonly site: WaitingSite }) {
  const end = ENDS[grant?.state as keyof typeof ENDS];
  if (grant && !end)
    return (
      <Notice kind="info" title={`Grant ${visible(grant.name)} stays as it is`}>
        <p>
          The new grant is only for this site, and allows what that grant refused. The other rules are the
          same.
        </p>
      </Notice>
    );
  const title = grant ? `Grant ${visible(grant.name)} ${end}` : 'The grant of this link was deleted';
  return (
    <Notice kind="info" title={title}>
      <p>
        So create a grant first, and then issue a token of it. The new grant is only for this site
        {grant && ', and has the other rules of the old one'}.
        {replaces && ' The present link of the site does not change now.'}
      </p>
    </Notice>
  );
}

/** Returns the name, or the name with the first number from 2 on that no grant has. */
async function freeName(name: string, namespace: string | undefined): Promise<string> {
  let free = name;
  for (let number = 2; number <= MAX_NAMES && (await isTaken(free, namespace)); number += 1)
    free = `${name}-${number}`;
  return free;
}

async function isTaken(name: string, namespace: string | undefined): Promise<boolean> {
  const query = { name, ...omitUndefined({ namespace }) };
  const pages = readPages((page) =>
    dataOf(client.GET('/api/v1/grants', { params: { query: { ...page, ...query } } })),
  );
  // A page contains only the grants of this name, so it can be empty although a later one is not.
  for await (const { items } of pages) if (items.length > 0) return true;
  return false;
}

/** Reads the namespace that the service uses if a request has none. */
async function defaultNamespace(): Promise<string> {
  return (await dataOf(client.GET('/api/v1/service'))).namespace;
}
