// Runs the command line, and kills its own process (SIGKILL) at a checkpoint.
//   node killed-at.mjs CHECKPOINT CLOCK_OFFSET_MS ARGUMENT…
// `half-answer` kills when half of the body of the HTTP response is written; `none` never kills.
import { ServerResponse } from 'node:http';
import { runCommandLine } from '../../dist/cli/run.js';
import { commandContext } from '../../dist/config/command-context.js';

const [, , killPoint, offset, ...words] = process.argv;
const kill = () => process.kill(process.pid, 'SIGKILL');
// Other operations also commit. So at the checkpoint on the left, kill only if a redemption has passed the checkpoint on the right.
const REQUIRED_CHECKPOINT = { 'before-commit': 'before-signing', 'after-commit': 'before-signing' };
const passed = new Set();

function killWhenHalfIsWritten() {
  const { end } = ServerResponse.prototype;
  ServerResponse.prototype.end = function endHalf(body) {
    if (!passed.has('before-answer')) return end.call(this, body);
    this.write(body.slice(0, body.length / 2), () => setTimeout(kill, 20));
    return this;
  };
}

if (killPoint === 'half-answer') killWhenHalfIsWritten();
// No top-level `await`: the executable of the tests contains this file as CommonJS.
void runCommandLine(['node', 'linkgrant', ...words], {
  ...commandContext(),
  clock: () => Date.now() + Number(offset),
  checkpoint: (name) => {
    const required = REQUIRED_CHECKPOINT[name];
    if (name === killPoint && (required === undefined || passed.has(required))) kill();
    passed.add(name);
  },
}).then((exitCode) => {
  process.exitCode = exitCode;
});
