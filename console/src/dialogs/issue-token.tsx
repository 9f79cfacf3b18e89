import { useEffect, useRef, useState } from 'preact/hooks';
import { type Api, client, dataOf, omitUndefined } from '../api/client.js';
import { Command } from '../components/copyable.js';
import { Dialog, SubmitFooter } from '../components/dialog.js';
import { Field } from '../components/field.js';
import { Failure, Notice, ServiceNotice, sentence } from '../components/notice.js';
import { visible } from '../components/text.js';
import { useAction } from '../state/action.js';
import { hideQuery, useLocation } from '../state/location.js';
import { readServiceState } from '../state/service.js';
import { IssuedToken } from './issued-token.js';

interface IssueTokenProps {
  readonly grant: Api['GrantDetail'];
  readonly onClose: () => void;
}

/** A dialog that issues a token of a grant, shows it once, and then waits for the site. */
export function IssueToken({ grant, onClose }: IssueTokenProps) {
  const { query } = useLocation();
  const [subject, setSubject] = useState(query.get('subject') ?? '');
  const [uses, setUses] = useState('1');
  const [window, setWindow] = useState('');
  // A repeated request of an unchanged form has the same key, so that it creates no second token after a lost response. In a
  // cluster the key has no effect.
  const idempotencyKey = useRef(crypto.randomUUID());
  useEffect(() => void readServiceState(), []);
  const action = useAction(
    () =>
      dataOf(
        client.POST('/api/v1/tokens', {
          params: { header: { 'Idempotency-Key': idempotencyKey.current } },
          body: {
            grantUid: grant.uid,
            redemptionsAllowed: Number(uses),
            ...omitUndefined({ subject: subject || undefined, expirationWindow: window || undefined }),
          },
        }),
      ),
    hideQuery,
  );
  if (action.result) return <IssuedToken grant={grant} issued={action.result} onClose={onClose} />;
  return (
    <Dialog
      title={`Issue a token of grant ${visible(grant.name)}`}
      onClose={onClose}
      onSubmit={action.run}
      footer={
        <SubmitFooter
          name={action.isRunning ? 'Issuing …' : 'Issue the token'}
          action={action}
          onClose={onClose}
        />
      }
    >
      <ServiceNotice />
      {grant.state === 'ready' ? (
        <p>The site redeems the token to join. The defaults suit a single site.</p>
      ) : (
        <Notice kind="warning" title={`No token can be issued: the grant is ${grant.state}`}>
          {grant.reason && <p>{sentence(visible(grant.reason))}</p>}
        </Notice>
      )}
      <div
        class="pf-v6-c-form"
        onInput={() => {
          idempotencyKey.current = crypto.randomUUID();
        }}
      >
        <Field
          label="Only for the subject"
          value={subject}
          onInput={setSubject}
          maxLength={253}
          hasFocus
          help="The name that the site sends when it redeems. If empty, every subject that the grant allows can redeem it."
        />
        <Field
          label="How many sites can join with it"
          isNumber
          pattern="[0-9]{1,7}"
          value={uses}
          onInput={setUses}
          isRequired
          help={`The grant allows ${grant.redemptionsAllowed - grant.redemptions} more.`}
        />
        <Field
          label="How long it can be redeemed"
          value={window}
          onInput={setWindow}
          pattern="([0-9]+(s|m|h|d))+"
          help="For example 15m or 1h. If empty, until the grant expires."
        />
      </div>
      <Command
        words={[
          ...['token', 'issue', 'token.yaml', '--grant', grant.name, '--namespace', grant.namespace],
          ...(subject ? ['--subject', subject] : []),
          ...(uses === '1' ? [] : ['--redemptions-allowed', uses]),
          ...(window ? ['--expiration-window', window] : []),
        ]}
      />
      <Failure error={action.error} />
    </Dialog>
  );
}
