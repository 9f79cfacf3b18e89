import { formatFingerprint } from '../../../src/domain/fingerprint.js';
import type { Api } from '../api/client.js';
import { Button } from '../components/button.js';
import { Copyable } from '../components/copyable.js';
import { Details } from '../components/details.js';
import { Dialog } from '../components/dialog.js';
import { download } from '../components/download.js';
import { Mono, visible } from '../components/text.js';
import { ORIGIN_OF_KEY } from './issued-token.js';

interface IssuedAnswerProps {
  readonly issued: Api['IssuedAnswer'];
  readonly onClose: () => void;
}

const FILE = 'answer.yaml';

const listOf = (caSha256: readonly string[]) => caSha256.map(formatFingerprint).join(' ');

/** Offers the answer file of a certificate request, and shows what both sites have to compare. */
export function IssuedAnswer({ issued, onClose }: IssuedAnswerProps) {
  const { name, subject, keySha256, caSha256, renewal, replayed } = issued;
  return (
    <Dialog
      title={`Answer for ${visible(subject)}`}
      onClose={onClose}
      footer={
        <Button kind="primary" onClick={onClose}>
          Done
        </Button>
      }
    >
      <p>
        {replayed
          ? 'This request was answered before. The answer has the same certificate, and no use was counted.'
          : `The link ${visible(name)} is issued.`}{' '}
        The answer is no secret: only the site with this key can use it. If you lose it, answer the same
        request again.
      </p>
      <p>Compare these with the other site before it accepts the answer, for example on the phone.</p>
      <Details
        entries={[
          ['SHA-256 of the key', <Mono key="key" text={formatFingerprint(keySha256)} />],
          ['SHA-256 of the CA of the link', <Mono key="ca" text={listOf(caSha256)} />],
          ...(renewal
            ? [
                [
                  'SHA-256 of the CA of the service, for renewals',
                  <Mono key="service" text={listOf(renewal.caSha256)} />,
                ] as const,
              ]
            : []),
        ]}
      />
      <div>
        <p>
          <strong>1.</strong> Save the answer, and take it to the site.
        </p>
        <Button onClick={() => download(FILE, 'application/yaml', issued.answer)}>Download {FILE}</Button>
      </div>
      <div>
        <p>
          <strong>2.</strong> Run this on the site{ORIGIN_OF_KEY}; at a Skupper site with --platform in place
          of --to.
        </p>
        <Copyable label="Command for the site" text={`linkgrant link accept ${FILE} --to links`} />
        {renewal && (
          <p>
            If the site can reach this service later, add{' '}
            <code>--renew-at {new URL(renewal.url).origin}</code>: it then renews its certificate by itself.
          </p>
        )}
      </div>
    </Dialog>
  );
}
