import { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { ConnectionTable } from '../../../src/http/connection-table.js';

const openOf = (sockets: readonly Socket[]) => sockets.map((socket) => !socket.destroyed);

describe('a table of connections', () => {
  it('stays within its limit when many come in one turn of the event loop', () => {
    const table = new ConnectionTable(3);
    const sockets = Array.from({ length: 8 }, () => new Socket());
    for (const socket of sockets) table.add(socket);
    expect(openOf(sockets)).toEqual([false, false, false, false, false, true, true, true]);
    table.destroyAll();
    expect(openOf(sockets)).toEqual(sockets.map(() => false));
  });

  it('gives the place of a connection that has closed to the next one', async () => {
    const table = new ConnectionTable(2);
    const [first, second, third] = [new Socket(), new Socket(), new Socket()];
    table.add(first);
    table.add(second);
    const closed = new Promise((resolve) => second.once('close', resolve));
    second.destroy();
    await closed;
    table.add(third);
    expect(openOf([first, third])).toEqual([true, true]);
    table.destroyAll();
  });

  it('ends only those on which nothing has arrived when it is told to end idle ones', () => {
    const table = new ConnectionTable(2);
    const [idle, busy] = [new Socket(), new Socket()];
    Object.defineProperty(busy, 'bytesRead', { value: 1 });
    table.add(idle);
    table.add(busy);
    table.destroyIdle();
    expect(openOf([idle, busy])).toEqual([false, true]);
    table.destroyAll();
  });
});
