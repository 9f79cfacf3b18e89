import type { CpuLimits } from '../time/cpu-budget.js';

/**
 * CPU time that the servers of a namespace's tokens and links, or a webhook receiver, may cause within 30 seconds. A handshake with
 * a chain of RSA-4096 takes 1 to 2 ms, one with the slowest certificates 100 ms; the slowest response 165 ms.
 */
export const SERVER_WORK: CpuLimits = { budgetMs: 200, freeMs: 10 };
