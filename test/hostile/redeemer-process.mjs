// Redeems the tokens that its parent sends, one after the other, each into its own directory, and reports how each redemption
// ended. Built code is imported, because plain Node runs this.
import { join } from 'node:path';
import { readAnswer } from '../../dist/client/answer-reader.js';
import { createRedemptionClient } from '../../dist/client/https-redemption-client.js';
import { RedemptionError } from '../../dist/domain/redemption-error.js';
import { directoryMaterializer } from '../../dist/platforms/files/directory-materializer.js';
import { pendingDirectories } from '../../dist/platforms/standalone/pending-directory.js';
import { requestDirectory } from '../../dist/platforms/standalone/request-directory.js';
import { redeemToken } from '../../dist/redemption/requesting/redeem-token.js';

const MAX_PAUSE_MS = 10;

async function redeem({ token, root, exchangeMs }) {
  const deps = {
    client: createRedemptionClient({ clock: Date.now, timeoutMs: exchangeMs }),
    readAnswer,
    openPending: pendingDirectories(join(root, 'data'), Date.now),
    linkRequests: requestDirectory(join(root, 'data')),
    materializer: directoryMaterializer(join(root, 'links'), Date.now),
    clock: Date.now,
    wait: (milliseconds) =>
      new Promise((resolve) => setTimeout(resolve, Math.min(milliseconds, MAX_PAUSE_MS))),
    postingLimitMs: 200,
    checkpoint: () => undefined,
  };
  try {
    await redeemToken({ token }, deps);
    return { outcome: 'redeemed' };
  } catch (error) {
    if (error instanceof RedemptionError) return { outcome: error.code, message: error.message };
    return { outcome: 'failed', message: String(error?.stack ?? error) };
  }
}

process.on('message', async (request) => {
  const before = process.cpuUsage();
  const result = await redeem(request);
  const { user, system } = process.cpuUsage(before);
  process.send({ ...result, cpuMs: (user + system) / 1_000 });
});
process.once('disconnect', () => process.exit());
