import { cpus, release, totalmem } from 'node:os';

/** The machine that the figures were measured on, to compare them with figures of others. */
export function describeMachine() {
  const processors = cpus();
  return {
    cpu: processors[0]?.model ?? 'unknown',
    cores: processors.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.versions.node,
    openssl: process.versions.openssl,
    at: new Date().toISOString(),
  };
}
