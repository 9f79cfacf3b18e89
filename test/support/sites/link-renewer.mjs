// A process that renews one link of a directory and prints the outcome as JSON. With `dieAt` it kills itself at that checkpoint.
// `given` is the link as an earlier read of its Secret returned it. Node runs this file without vitest, so it imports built code.

import { openLinkRenewal } from '../../../dist/compose/open-links.js';
import { linkDirectory } from '../../../dist/platforms/files/link-directory.js';
import { renewLink } from '../../../dist/redemption/requesting/renew-link.js';
import { renewableLink } from '../../../dist/redemption/requesting/renewable-link.js';

const { name, dataDirectory, to, dieAt, given } = JSON.parse(process.argv[2]);
const links = linkDirectory(to);
const side = openLinkRenewal(dataDirectory, {
  clock: Date.now,
  timeoutMs: 30_000,
  checkpoint: (reached) => {
    if (reached === dieAt) process.kill(process.pid, 'SIGKILL');
  },
});

async function renew() {
  const link = given ?? renewableLink(await links.findSecret(name));
  const { certificate } = await renewLink(name, link, { ...side, links });
  return { serial: certificate.serial };
}

renew()
  .catch((error) => ({ code: error.code ?? String(error) }))
  .then((outcome) => process.stdout.write(JSON.stringify(outcome)));
