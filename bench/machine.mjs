import { cpus, release, totalmem } from 'node:os';

/** What the figures were measured on, for whoever compares them with others. */
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
