import { readFileSync } from 'node:fs';
import { describeCertificate } from '../../pki/certificate-info.js';
import { certificateLife } from '../../redemption/requesting/certificate-life.js';
import { formatTime } from '../terminal/output.js';
import { type Check, fail, ok, warn } from './doctor-check.js';

/** Checks that a certificate is valid and does not expire soon; `renewal` says how to replace it. */
export function certificateCheck(name: string, pem: string, now: number, renewal: string): Check {
  let info: ReturnType<typeof describeCertificate>;
  try {
    info = describeCertificate(pem);
  } catch (error) {
    return fail(name, `it cannot be read: ${(error as Error).message}`, renewal);
  }
  const { subject, notBefore, notAfter } = info;
  const until = formatTime(notAfter);
  switch (certificateLife({ notBefore, notAfter }, now)) {
    case 'valid':
      return ok(name, `${subject}, until ${until}`);
    case 'ending':
      return warn(name, `${subject} expires at ${until}: a third of its lifetime or less is left`, renewal);
    case 'expired':
      return fail(name, `${subject} expired at ${until}`, renewal, 3);
    case 'early': {
      const detail = `${subject} is valid only from ${formatTime(notBefore)}; the clock of this machine is at ${formatTime(now)}`;
      return fail(name, detail, 'correct the clock of this machine', 4);
    }
  }
}

/** Checks the first certificate of a file in the same way; ignores a private key in the file. */
export function certificateFileCheck(name: string, file: string, now: number, renewal: string): Check {
  try {
    const pem = readFileSync(file, 'utf8').replace(
      /-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*-----END [A-Z ]*PRIVATE KEY-----/g,
      '',
    );
    return certificateCheck(name, pem, now, renewal);
  } catch (error) {
    const { code = 'unreadable' } = error as NodeJS.ErrnoException;
    return fail(name, `${file} cannot be read (${code})`, 'run it as the user of the service', 2);
  }
}
