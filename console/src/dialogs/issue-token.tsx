import { useEffect, useRef, useState } from 'preact/hooks';
import { hasGrantEnded, stateWords } from '../../../src/domain/access-grant.js';
import { type Api, client, dataOf, omitUndefined } from '../api/client.js';
import { allowsSubject, type RefusedRequest } from '../components/advice.js';
import { Command } from '../components/copyable.js';
import { Dialog, SubmitFooter } from '../components/dialog.js';
import { Choice, Field, fieldError } from '../components/field.js';
import { Failure, Notice, ServiceNotice } from '../components/notice.js';
import { sentence, visible } from '../components/text.js';
import { useAction } from '../state/action.js';
import { hideQuery, href, useLocation } from '../state/location.js';
import { readServiceState } from '../state/service.js';
import { CreateGrant } from './create-grant.js';
import { IssuedAnswer } from './issued-answer.js';
import { IssuedToken } from './issued-token.js';
import { PastedRequest, useRequestSummary } from './pasted-request.js';
import { RefusalAdvice } from './refusal-advice.js';
import { WINDOW_FOR_SITE } from './waiting-site.js';

const MEMBERS_WITH_FIELD: ReadonlySet<string | undefined> = new Set([
  'subject',
  'request',
  'redemptionsAllowed',
  'expirationWindow',
]);

const FORMS = [
  ['token', 'A token, which it redeems over the network'],
  ['answer', 'An answer file, without a network'],
] as const;

/** What the dialog issued. */
type Issued = Api['IssuedToken'] | Api['IssuedAnswer'];

function issueAnswer(
  { uid: grantUid }: Api['GrantDetail'],
  request: string,
  subject: string,
): Promise<Issued> {
  const chosen = omitUndefined({ subject: subject || undefined });
  return dataOf(client.POST('/api/v1/links', { body: { grantUid, request, ...chosen } }));
}

function submitName(isRunning: boolean, isAnswer: boolean): string {
  if (isRunning) return 'Issuing …';
  return isAnswer ? 'Issue the answer' : 'Issue the token';
}

interface IssueTokenProps {
  readonly grant: Api['GrantDetail'];
  readonly onClose: () => void;
}

/**
 * A dialog that issues a token of a grant, shows it once, and then waits for the site. If the URL names a link, the token replaces it.
 * If the URL names a subject, a site waits for the token: it lasts a day by default. If the grant has ended, the dialog creates a
 * grant for that subject first.
 */
export function IssueToken({ grant, onClose }: IssueTokenProps) {
  const { query } = useLocation();
  const subject = query.get('subject') ?? '';
  const [replaces] = useState(query.get('replaces') ?? undefined);
  // The grant can also end while its token is shown.
  const [needsGrant] = useState(subject !== '' && hasGrantEnded(grant.state));
  return needsGrant ? (
    <CreateGrant site={{ subject, grant, replaces }} onClose={onClose} />
  ) : (
    <TokenForm grant={grant} onClose={onClose} initialSubject={subject} replaces={replaces} />
  );
}

function TokenForm({
  grant,
  onClose,
  initialSubject,
  replaces,
}: IssueTokenProps & { readonly initialSubject: string; readonly replaces: string | undefined }) {
  // The service knows the subject of a link that is replaced.
  const [subject, setSubject] = useState(replaces ? '' : initialSubject);
  const [request, setRequest] = useState('');
  const pasted = useRequestSummary(request);
  const [uses, setUses] = useState('1');
  // The service ends a token with its grant, if that is earlier.
  const [window, setWindow] = useState(initialSubject ? WINDOW_FOR_SITE : '');
  // A repeated request of an unchanged form has the same key, so that it creates no second token after a lost response. In a
  // cluster the key has no effect.
  const idempotencyKey = useRef(crypto.randomUUID());
  useEffect(() => void readServiceState(), []);
  const [form, setForm] = useState<string>('token');
  // Only a request can be answered, and a link is replaced only by a token.
  const canAnswer = request !== '' && !replaces;
  const isAnswer = canAnswer && form === 'answer';
  // One key redeems its token once.
  const isForOneSite = request !== '' || replaces !== undefined;
  const action = useAction<Issued>(
    () =>
      isAnswer
        ? issueAnswer(grant, request, subject)
        : dataOf(
            client.POST('/api/v1/tokens', {
              params: { header: { 'Idempotency-Key': idempotencyKey.current } },
              body: {
                grantUid: grant.uid,
                redemptionsAllowed: isForOneSite ? 1 : Number(uses),
                ...omitUndefined({
                  subject: subject || undefined,
                  request: request || undefined,
                  replaces,
                  expirationWindow: window || undefined,
                }),
              },
            }),
          ),
    hideQuery,
  );
  const { result, error } = action;
  // The subject that the rules of the grant exclude, until they are changed.
  const excluded: RefusedRequest = {
    ...{ code: 'policy_subject', name: '', peer: '' },
    subject: replaces ? initialSubject : subject || (pasted?.subject ?? ''),
  };
  const isExcluded =
    (error?.member === 'subject' || error?.member === 'replaces') && !allowsSubject(grant, excluded.subject);
  if (result && 'answer' in result) return <IssuedAnswer issued={result} onClose={onClose} />;
  if (result) return <IssuedToken grant={grant} issued={result} onClose={onClose} />;
  return (
    <Dialog
      title={`${isAnswer ? 'Answer a request with' : 'Issue a token of'} grant ${visible(grant.name)}`}
      onClose={onClose}
      onSubmit={action.run}
      footer={
        <SubmitFooter
          name={submitName(action.isRunning, isAnswer)}
          action={action}
          onClose={onClose}
          isDisabled={grant.state !== 'ready'}
        />
      }
    >
      <ServiceNotice />
      {grant.state === 'ready' ? (
        <p>
          {replaces
            ? `When the site ${visible(initialSubject)} redeems the token, its present link is revoked. The new link has the same subject, name, labels and note.`
            : isAnswer
              ? 'The site accepts the answer to join. It needs no network to this service.'
              : 'The site redeems the token to join. The defaults suit a single site.'}
        </p>
      ) : (
        <Notice kind="warning" title={`No token can be issued: the grant is ${stateWords(grant.state)}`}>
          {grant.reason && <p>{sentence(visible(grant.reason))}</p>}
          {hasGrantEnded(grant.state) && (
            <a href={href('/grants', { create: 'grant' })}>Create a new grant</a>
          )}
        </Notice>
      )}
      <div
        class="pf-v6-c-form"
        onInput={() => {
          idempotencyKey.current = crypto.randomUUID();
        }}
      >
        {!replaces && (
          <Field
            label="Only for the subject"
            value={subject}
            onInput={setSubject}
            maxLength={253}
            hasFocus
            help="The name that the site sends when it redeems. If empty, every subject that the grant allows can redeem it."
            error={fieldError(error, 'subject')}
          />
        )}
        {isExcluded && (
          <RefusalAdvice
            request={excluded}
            grant={grant}
            next={{ name: 'issue the token', run: action.run }}
          />
        )}
        <Field
          label="Certificate request of the site"
          isLong
          value={request}
          onInput={setRequest}
          hasFocus={replaces !== undefined}
          help="The output of linkgrant link request on that site, or a request in PEM. Only its key can redeem the token, so the token is no secret. The default subject is that of the request."
          error={fieldError(error, 'request')}
        />
        <PastedRequest summary={pasted} />
        {canAnswer && (
          <Choice
            label="What the site gets"
            value={form}
            options={FORMS}
            onInput={setForm}
            help="A site without a network to this service accepts an answer file. It is no secret, and uses the grant now."
          />
        )}
        {!isForOneSite && (
          <Field
            label="How many sites can join with it"
            isNumber
            value={uses}
            onInput={setUses}
            isRequired
            help={`The grant allows ${grant.redemptionsAllowed - grant.redemptions} more.`}
            error={fieldError(error, 'redemptionsAllowed')}
          />
        )}
        {!isAnswer && (
          <Field
            label="How long it can be redeemed"
            value={window}
            onInput={setWindow}
            help="For example 15m or 1h, at most until the grant expires. If empty, until then, but for a certificate request at most 7 days."
            error={fieldError(error, 'expirationWindow')}
          />
        )}
      </div>
      <Command
        words={[
          ...(isAnswer ? ['link', 'issue', 'answer.yaml'] : ['token', 'issue', 'token.yaml']),
          ...['--grant', grant.name, '--namespace', grant.namespace],
          ...(subject ? ['--subject', subject] : []),
          ...(replaces ? ['--replaces', replaces] : []),
          ...(request ? ['--request', 'request.csr'] : []),
          ...(uses === '1' || isForOneSite ? [] : ['--redemptions-allowed', uses]),
          ...(window && !isAnswer ? ['--expiration-window', window] : []),
        ]}
      />
      {!MEMBERS_WITH_FIELD.has(error?.member) && <Failure error={error} />}
    </Dialog>
  );
}
