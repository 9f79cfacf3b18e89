import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const TICKS_PER_SECOND = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** The ids of the child processes of `pid`. */
function childrenOf(pid) {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return children.split(' ').filter(Boolean);
}

// The fields of /proc/PID/stat after the name of the command, which may contain spaces. Times are in ticks.
function fieldsOf(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

// Index of the user time; the system time follows it.
const USER_TIME = 11;

/** User and system time of a process and its running descendants, in milliseconds (proc(5), whole ticks). */
export function processorTime(pid) {
  const fields = fieldsOf(pid);
  const own = ((Number(fields[USER_TIME]) + Number(fields[USER_TIME + 1])) * 1000) / TICKS_PER_SECOND;
  return childrenOf(pid).reduce((sum, child) => sum + processorTime(child), own);
}
