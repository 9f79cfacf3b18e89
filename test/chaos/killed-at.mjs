// Runs the command line, and kills its own process (SIGKILL) at a checkpoint.
//   node killed-at.mjs CHECKPOINT CLOCK_OFFSET_MS ARGUMENT…
// `half-answer` kills when half of the answer's bytes are written; `none` never kills.
import { ServerResponse } from 'node:http';
import { runCommandLine } from '../../dist/cli/run.js';
import { commandContext } from '../../dist/config/command-context.js';

const [, , fatal, offset, ...words] = process.argv;
const kill = () => process.kill(process.pid, 'SIGKILL');
// Other operations commit too, so a kill at a commit waits until a redemption has passed the checkpoint on the right.
const AFTER = { 'before-commit': 'before-signing', 'after-commit': 'before-signing' };
const passed = new Set();

function killWhenHalfIsWritten() {
  const { end } = ServerResponse.prototype;
  ServerResponse.prototype.end = function endHalf(body) {
    if (!passed.has('before-answer')) return end.call(this, body);
    this.write(body.slice(0, body.length / 2), () => setTimeout(kill, 20));
    return this;
  };
}

if (fatal === 'half-answer') killWhenHalfIsWritten();
// Without `await`, because it also runs as the CommonJS script of an executable.
void runCommandLine(['node', 'linkgrant', ...words], {
  ...commandContext(),
  clock: () => Date.now() + Number(offset),
  checkpoint: (name) => {
    if (name === fatal && (AFTER[name] === undefined || passed.has(AFTER[name]))) kill();
    passed.add(name);
  },
}).then((exitCode) => {
  process.exitCode = exitCode;
});
