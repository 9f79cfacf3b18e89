// A process that redeems one token into a directory and prints the outcome as JSON. With `dieAt` it kills itself when it first
// reaches that checkpoint. Node runs this file without vitest, so it imports built code.
import { readAnswer } from '../../../dist/client/answer-reader.js';
import { createRedemptionClient } from '../../../dist/client/https-redemption-client.js';
import { directoryMaterializer } from '../../../dist/platforms/files/directory-materializer.js';
import { pendingDirectories } from '../../../dist/platforms/standalone/pending-directory.js';
import { requestDirectory } from '../../../dist/platforms/standalone/request-directory.js';
import { redeemToken } from '../../../dist/redemption/requesting/redeem-token.js';

const { token, dataDirectory, to, dieAt, retry, postingLimitMs = 10_000 } = JSON.parse(process.argv[2]);
const deps = {
  client: createRedemptionClient({ clock: Date.now, timeoutMs: 30_000 }),
  readAnswer,
  openPending: pendingDirectories(dataDirectory, Date.now),
  linkRequests: requestDirectory(dataDirectory),
  materializer: directoryMaterializer(to, Date.now),
  clock: Date.now,
  wait: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
  postingLimitMs,
  checkpoint: (name) => {
    if (name === dieAt) process.kill(process.pid, 'SIGKILL');
  },
};

async function redeem() {
  const { certificate, links, alreadyRedeemed } = await redeemToken({ token, retry }, deps);
  const names = links.map((link) => link.name);
  return { serial: certificate.serial, names, alreadyRedeemed };
}

redeem()
  .catch((error) => ({ code: error.code ?? String(error) }))
  .then((outcome) => process.stdout.write(JSON.stringify(outcome)));
