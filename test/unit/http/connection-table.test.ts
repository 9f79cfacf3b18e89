import { once } from 'node:events';
import { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { ConnectionTable } from '../../../src/http/connection-table.js';

/** A socket with a peer, as a listener gets it. */
function socketFrom(address: string | undefined, port: number | undefined): Socket {
  const socket = new Socket();
  const value = { remoteAddress: { value: address, configurable: true }, remotePort: { value: port } };
  Object.defineProperties(socket, value);
  return socket;
}

/** The TLS socket of a connection, which is another object with the same peer. */
function tlsSocketOf(table: ConnectionTable, { remoteAddress, remotePort }: Socket): TLSSocket {
  const socket = socketFrom(remoteAddress, remotePort) as TLSSocket;
  table.setTlsSocket(socket);
  return socket;
}

/** Adds `count` connections from `address` to `table`. */
function addFrom(table: ConnectionTable, address: string, count: number, firstPort = 1): Socket[] {
  const sockets = Array.from({ length: count }, (_, index) => socketFrom(address, firstPort + index));
  for (const socket of sockets) table.add(socket);
  return sockets;
}

const openOf = (sockets: readonly Socket[]) => sockets.map((socket) => !socket.destroyed);

describe('the connection table', () => {
  it('stays within its limit when many connections arrive in one turn of the event loop', () => {
    const table = new ConnectionTable(3);
    const sockets = Array.from({ length: 8 }, () => new Socket());
    for (const socket of sockets) table.add(socket);
    expect(openOf(sockets)).toEqual([false, false, false, false, false, true, true, true]);
    table.destroyAll();
    expect(openOf(sockets)).toEqual(sockets.map(() => false));
  });

  it('admits a new connection in place of a closed one, without dropping another', async () => {
    const table = new ConnectionTable(2);
    const [first, second, third] = [new Socket(), new Socket(), new Socket()];
    table.add(first);
    table.add(second);
    await once(second.destroy(), 'close');
    table.add(third);
    expect(openOf([first, third])).toEqual([true, true]);
  });

  it('closes only connections without received data with destroyIdle', () => {
    const table = new ConnectionTable(2);
    const [idle, busy] = [new Socket(), new Socket()];
    Object.defineProperty(busy, 'bytesRead', { value: 1 });
    table.add(idle);
    table.add(busy);
    table.destroyIdle();
    expect(openOf([idle, busy])).toEqual([false, true]);
  });

  it('never closes a connection with a valid code, and refuses a new one if all have a valid code', () => {
    const table = new ConnectionTable(2);
    const [first, second, third, fourth] = [1, 2, 3, 4].map((port) => socketFrom('192.0.2.1', port)) as [
      Socket,
      Socket,
      Socket,
      Socket,
    ];
    table.add(first);
    table.markProven(tlsSocketOf(table, first));
    table.add(second);
    table.add(third);
    expect(openOf([first, second, third])).toEqual([true, false, true]);
    table.markProven(tlsSocketOf(table, third));
    table.add(fourth);
    expect(openOf([first, third, fourth])).toEqual([true, true, false]);
    expect(table.counts).toMatchObject({
      open: { unproven: 0, proven: 2 },
      opened: 4,
      dropped: { total_limit: 2 },
    });
  });

  it('counts only unproven connections for a source', async () => {
    const table = new ConnectionTable(10_000);
    const proven = Array.from({ length: 2_000 }, (_, at) => socketFrom('192.0.2.1', at + 1));
    for (const socket of proven) {
      table.add(socket);
      table.markProven(tlsSocketOf(table, socket));
    }
    const others = addFrom(table, '192.0.2.1', 257, 10_000);
    expect(openOf(proven)).not.toContain(false);
    expect(openOf(others).indexOf(true)).toBe(1);
    expect(table.counts).toMatchObject({
      open: { unproven: 256, proven: 2_000 },
      dropped: { source_limit: 1 },
    });
  });

  it('limits the unproven connections of an IPv6 /64 and of a /48', () => {
    const table = new ConnectionTable(10_000);
    const fromSubnet = (subnet: number, count: number) =>
      addFrom(table, `2001:db8:1:${subnet}::${count.toString(16)}`, count);
    const first = fromSubnet(1, 257);
    expect(openOf(first).indexOf(true)).toBe(1);
    const second = [2, 3, 4].flatMap((subnet) => fromSubnet(subnet, 256));
    expect(table.counts).toMatchObject({ open: { unproven: 1_024 }, dropped: { source_limit: 1 } });
    const third = fromSubnet(5, 10);
    expect(table.counts).toMatchObject({ open: { unproven: 1_024 }, dropped: { source_limit: 11 } });
    expect(openOf(first).indexOf(true)).toBe(11);
    table.add(socketFrom('2001:db8:2:1::1', 1));
    expect(table.counts).toMatchObject({ open: { unproven: 1_025 }, dropped: { source_limit: 11 } });
    expect(openOf([...second, ...third])).not.toContain(false);
  });

  it('has no limit for a proxy', () => {
    const table = new ConnectionTable(10_000, (address) => address === '192.0.2.1');
    const sockets = addFrom(table, '::ffff:192.0.2.1', 3_000);
    expect(openOf(sockets)).not.toContain(false);
    expect(table.counts.open.unproven).toBe(3_000);
  });

  it('limits the unproven connections of a client behind a proxy, and stops counting them when they close', async () => {
    const table = new ConnectionTable(10_000, (address) => address === '192.0.2.1');
    const open = (port: number, client: string) => {
      const socket = socketFrom('192.0.2.1', port);
      table.add(socket);
      table.setClientAddress(socket, client);
      return socket;
    };
    const sockets = Array.from({ length: 257 }, (_, at) => open(at + 1, '203.0.113.9'));
    const neighbours = Array.from({ length: 256 }, (_, at) => open(at + 1_000, '203.0.113.10'));
    expect(openOf(sockets).indexOf(true)).toBe(1);
    expect(openOf(neighbours)).not.toContain(false);
    const [last] = sockets.slice(-1) as [Socket];
    expect(table.addressOf(tlsSocketOf(table, last))).toBe('203.0.113.9');
    await once(last.destroy(), 'close');
    open(2_000, '203.0.113.9');
    expect(table.counts).toMatchObject({ open: { unproven: 512 }, dropped: { source_limit: 1 } });
  });

  it('does not contain closed connections', async () => {
    const table = new ConnectionTable(10);
    const socket = socketFrom('192.0.2.1', 1);
    table.add(socket);
    await once(socket.destroy(), 'close');
    table.markProven(tlsSocketOf(table, socket));
    expect(table.counts).toMatchObject({ open: { unproven: 0, proven: 0 }, opened: 1 });
  });

  it('returns the address of a connection that was reset after its handshake, and none if it was reset before', () => {
    const table = new ConnectionTable(10);
    const socket = socketFrom('::ffff:192.0.2.1', 1);
    table.add(socket);
    const tlsSocket = tlsSocketOf(table, socket);
    Object.defineProperty(tlsSocket, 'remoteAddress', { value: undefined });
    expect(table.addressOf(tlsSocket)).toBe('192.0.2.1');
    expect(table.addressOf(tlsSocketOf(table, socketFrom(undefined, undefined)))).toBeUndefined();
  });
});
