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

// Indices of user time; system time follows it. OWN is for the process, ENDED for its ended children.
const OWN = 11;
const ENDED = 13;

function timeAt(fields, field) {
  return ((Number(fields[field]) + Number(fields[field + 1])) * 1000) / TICKS_PER_SECOND;
}

/** User and system time of the children of this process that have ended, in milliseconds (proc(5), whole ticks). */
export function endedProcessorTime() {
  return timeAt(fieldsOf('self'), ENDED);
}

/** User and system time of a process and its running descendants, in milliseconds (proc(5), whole ticks). */
export function processorTime(pid) {
  const own = timeAt(fieldsOf(pid), OWN);
  return childrenOf(pid).reduce((sum, child) => sum + processorTime(child), own);
}
