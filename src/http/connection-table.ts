import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { ConnectionCounts } from '../domain/listener-counts.js';
import { normalizeAddress, siteNetworkOf, sourceOf } from '../domain/peer-address.js';

// Each legitimate site behind a NAT address needs a connection only for the milliseconds of one request.
const UNPROVEN_PER_SOURCE = 256;
// The limit of an IPv6 /48, as a multiple of that of a source. Without it, a client with a /48 could use 65,536 sources.
const SOURCES_PER_SITE_NETWORK = 4;

interface Connection {
  readonly socket: Socket;
  /**
   * Address of the peer, or of the client that a PROXY header names; empty if the connection was reset before it was
   * accepted.
   */
  address: string;
  /**
   * The networks that an unproven connection counts for: its source and, for IPv6, the /48. Empty for a connection of a
   * trusted proxy until a PROXY header has named the client.
   */
  networks: readonly string[];
  /** Address and port of the peer, by which the TLS socket of this connection is found. */
  readonly endpoint: string;
}

/** Why a connection was dropped. */
type DropReason = 'source_limit' | 'total_limit';

/**
 * The open connections of a listener. Their total is limited, and so is the number of unproven ones of each source and IPv6
 * /48. Beyond a limit the oldest unproven connection is dropped. Connections on which the client has proven a code, the key of
 * a link, or a bearer token are never dropped.
 */
export class ConnectionTable {
  readonly limit: number;
  readonly #unprovenPerSource: number;
  readonly #isProxy: (address: string) => boolean;
  readonly #all = new Map<Socket, Connection>();
  /** In order of arrival. */
  readonly #unproven = new Set<Connection>();
  readonly #byEndpoint = new Map<string, Connection>();
  readonly #byTlsSocket = new WeakMap<Socket, Connection>();
  readonly #byNetwork = new Map<string, Set<Connection>>();
  #opened = 0;
  #dropped = { source_limit: 0, total_limit: 0 };

  /**
   * `limit` is the maximum number of all connections. A proxy's connection counts for no source until {@link setClientAddress}.
   */
  constructor(
    limit: number,
    isProxy: (address: string) => boolean = () => false,
    unprovenPerSource = UNPROVEN_PER_SOURCE,
  ) {
    this.limit = limit;
    this.#isProxy = isProxy;
    this.#unprovenPerSource = unprovenPerSource;
  }

  /** Numbers of open, of ever opened and of dropped connections. */
  get counts(): Omit<ConnectionCounts, 'failedHandshakes'> {
    const unproven = this.#unproven.size;
    const open = { unproven, proven: this.#all.size - unproven };
    return { limit: this.limit, open, opened: this.#opened, dropped: this.#dropped };
  }

  add(socket: Socket): void {
    this.#opened += 1;
    const address = normalizeAddress(socket.remoteAddress ?? '');
    const networks = this.#isProxy(address) ? [] : networksOf(address);
    this.#makeRoom(networks);
    if (this.#all.size >= this.limit && !this.#dropFirst(this.#unproven, 'total_limit')) {
      // All other connections are proven, and their responses will be sent soon.
      this.#dropped.total_limit += 1;
      socket.destroy();
      return;
    }
    const connection: Connection = { socket, address, networks, endpoint: endpointOf(socket) };
    this.#all.set(socket, connection);
    this.#unproven.add(connection);
    this.#byEndpoint.set(connection.endpoint, connection);
    this.#countInNetworks(connection);
    socket.once('close', () => this.#forget(connection));
  }

  /** Records the address of the client behind a proxy. From now on the proxy's connection counts for the source of the client. */
  setClientAddress(socket: Socket, address: string): void {
    const connection = this.#all.get(socket);
    if (!connection) return;
    const networks = networksOf(address);
    this.#makeRoom(networks);
    connection.address = address;
    connection.networks = networks;
    this.#countInNetworks(connection);
  }

  /** Records the TLS socket of a connection when its handshake has ended. */
  setTlsSocket(socket: TLSSocket): void {
    const connection = this.#byEndpoint.get(endpointOf(socket));
    if (!connection) return;
    this.#byTlsSocket.set(socket, connection);
    // Node retains objects that a closed TLS socket references until the next full garbage collection (ADR 20).
    socket.once('close', () => this.#byTlsSocket.delete(socket));
  }

  /**
   * Returns the client's address by the TLS socket of its connection, also after a reset, when the kernel no longer reports it.
   * Undefined if the connection was reset before its handshake had ended, or the TLS socket is closed.
   */
  addressOf(socket: Socket): string | undefined {
    return this.#byTlsSocket.get(socket)?.address || undefined;
  }

  /** Marks the connection of this socket, or of this TLS socket, as proven: from now on it is not dropped. */
  markProven(socket: Socket): void {
    const connection = this.#byTlsSocket.get(socket) ?? this.#all.get(socket);
    if (connection) this.#forgetUnproven(connection);
  }

  /** Ends every connection on which nothing has arrived. */
  destroyIdle(): void {
    for (const socket of this.#all.keys()) if (socket.bytesRead === 0) socket.destroy();
  }

  destroyAll(): void {
    for (const socket of this.#all.keys()) socket.destroy();
  }

  /** Drops the oldest connection of each of these networks that is at its limit. */
  #makeRoom(networks: readonly string[]): void {
    for (const [index, network] of networks.entries()) {
      const limit = this.#unprovenPerSource * (index === 0 ? 1 : SOURCES_PER_SITE_NETWORK);
      const neighbours = this.#byNetwork.get(network);
      if (neighbours && neighbours.size >= limit) this.#dropFirst(neighbours, 'source_limit');
    }
  }

  #countInNetworks(connection: Connection): void {
    for (const network of connection.networks) {
      const neighbours = this.#byNetwork.get(network) ?? new Set();
      this.#byNetwork.set(network, neighbours.add(connection));
    }
  }

  /** Drops the oldest of these connections; false if there is none. */
  #dropFirst(connections: Iterable<Connection>, reason: DropReason): boolean {
    const [oldest] = connections;
    if (!oldest) return false;
    this.#dropped[reason] += 1;
    // Remove it now: it closes only after this turn of the event loop, and new connections of this turn need its place.
    this.#forget(oldest);
    oldest.socket.destroy();
    return true;
  }

  #forget(connection: Connection): void {
    this.#all.delete(connection.socket);
    // A newer connection may have the same address and port.
    if (this.#byEndpoint.get(connection.endpoint) === connection)
      this.#byEndpoint.delete(connection.endpoint);
    this.#forgetUnproven(connection);
  }

  #forgetUnproven(connection: Connection): void {
    this.#unproven.delete(connection);
    for (const network of connection.networks) {
      const neighbours = this.#byNetwork.get(network);
      neighbours?.delete(connection);
      if (neighbours?.size === 0) this.#byNetwork.delete(network);
    }
  }
}

/** Returns the source of an address and, for IPv6, its /48. */
function networksOf(address: string): string[] {
  const siteNetwork = siteNetworkOf(address);
  return siteNetwork === undefined ? [sourceOf(address)] : [sourceOf(address), siteNetwork];
}

function endpointOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
