import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo, Server } from 'node:net';
import type { Registry } from 'prom-client';
import { type CertificateTimes, certificateParts } from './admin/certificate-readiness.js';
import { createGrantMetrics } from './admin/metrics.js';
import { createOperationsApp } from './admin/operations-app.js';
import type { Clock } from './redemption/clock.js';
import type { GrantStore } from './redemption/grant-store.js';
import type { Settings } from './setting-schemas.js';

/** Starts a server at an address; resolves with where it listens, rejects when it cannot. */
export async function listen(server: Server, address: Settings['listen']): Promise<AddressInfo> {
  server.listen({ port: address.port, ...(address.host !== '' && { host: address.host }), backlog: 2048 });
  await once(server, 'listening');
  return server.address() as AddressInfo;
}

/** The metrics of a store as a whole, told by one process however many serve. */
export function storeMetrics(store: GrantStore, { clock }: { readonly clock: Clock }): Registry {
  return createGrantMetrics(() => store.countGrants(clock()));
}

/** A listener for operators: health, readiness (the certificates' ends among its parts) and metrics over plain HTTP. */
export async function startOperations(
  address: NonNullable<Settings['opsListen']>,
  deps: Parameters<typeof createOperationsApp>[0] & { certificateTimes(): CertificateTimes },
  { clock }: { readonly clock: Clock },
): Promise<{ readonly listening: AddressInfo; close(): Promise<void> }> {
  const parts = [...deps.parts, ...certificateParts(deps.certificateTimes, clock)];
  const server = createServer(createOperationsApp({ ...deps, parts }) as RequestListener);
  const listening = await listen(server, address);
  return {
    listening,
    async close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
