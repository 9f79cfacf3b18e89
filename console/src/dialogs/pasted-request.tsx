import { useEffect, useState } from 'preact/hooks';
import { formatFingerprint } from '../../../src/domain/fingerprint.js';
import { type RequestSummary, readRequest } from '../components/certificate-request.js';
import { Details } from '../components/details.js';
import { Foreign, Mono } from '../components/text.js';

/** What a pasted certificate request states; undefined until it is read, and for another text. */
export function useRequestSummary(text: string): RequestSummary | undefined {
  const [summary, setSummary] = useState<RequestSummary>();
  useEffect(() => {
    let isCurrent = true;
    void readRequest(text).then((found) => isCurrent && setSummary(found));
    return () => {
      isCurrent = false;
    };
  }, [text]);
  return summary;
}

/** Shows the subject and the key of a pasted certificate request, to compare them with the site before anything is issued. */
export function PastedRequest({ summary }: { readonly summary: RequestSummary | undefined }) {
  return (
    <div role="status" class="stack">
      {summary && (
        <>
          <p>Compare these with the site first, for example on the phone.</p>
          <Details
            entries={[
              ['Subject of the request', <Foreign key="subject" text={summary.subject} />],
              ['SHA-256 of its key', <Mono key="key" text={formatFingerprint(summary.keySha256)} />],
            ]}
          />
        </>
      )}
    </div>
  );
}
