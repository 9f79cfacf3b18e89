import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const TICKS_PER_SECOND = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** Processes that `pid` has started and not yet seen end. */
function childrenOf(pid) {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return children.split(' ').filter(Boolean);
}

// What /proc tells of a process from its state on, after the command's name, which may hold spaces; times in ticks.
function fieldsOf(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

// User time stands before system time: the 14th and 15th for a process itself, behind them for its children that ended.
const OWN = 11;
const ENDED = 13;

function timeAt(fields, field) {
  return ((Number(fields[field]) + Number(fields[field + 1])) * 1000) / TICKS_PER_SECOND;
}

/** User and system time of the children of this process that have ended, in milliseconds (proc(5), whole ticks). */
export function endedProcessorTime() {
  return timeAt(fieldsOf('self'), ENDED);
}

/** User and system time that a process and its children have used so far, in milliseconds (proc(5), whole ticks). */
export function processorTime(pid) {
  const own = timeAt(fieldsOf(pid), OWN);
  return childrenOf(pid).reduce((sum, child) => sum + processorTime(child), own);
}
