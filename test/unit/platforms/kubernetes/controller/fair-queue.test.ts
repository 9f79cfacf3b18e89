import { describe, expect, it } from 'vitest';
import { FairQueue } from '../../../../../src/platforms/kubernetes/controller/fair-queue.js';

function dequeueAll(keys: FairQueue): string[] {
  const all: string[] = [];
  for (let key = keys.dequeue(); key !== undefined; key = keys.dequeue()) all.push(key);
  return all;
}

describe('the fair queue', () => {
  it('serves the keys of a namespace once each, in their order', () => {
    const keys = new FairQueue(9);
    for (const key of ['a/2', 'a/1', 'a/2', 'a/3']) keys.add(key);
    expect(dequeueAll(keys)).toEqual(['a/2', 'a/1', 'a/3']);
  });

  it('serves namespaces in rotation, however many keys one has', () => {
    const keys = new FairQueue(9);
    for (const key of ['a/1', 'a/2', 'a/3', 'b/1', 'c/1', 'b/2']) keys.add(key);
    expect(dequeueAll(keys)).toEqual(['a/1', 'b/1', 'c/1', 'a/2', 'b/2', 'a/3']);
  });

  it('serves no key of a namespace beyond its limit until another one is released', () => {
    const keys = new FairQueue(1);
    for (const key of ['a/1', 'a/2', 'b/1']) keys.add(key);
    expect(dequeueAll(keys)).toEqual(['a/1', 'b/1']);
    keys.release('b/1');
    expect(dequeueAll(keys)).toEqual([]);
    keys.release('a/1');
    expect(dequeueAll(keys)).toEqual(['a/2']);
  });

  it('counts a key in progress after the queue was cleared', () => {
    const keys = new FairQueue(1);
    keys.add('a/1');
    keys.add('a/2');
    expect(keys.dequeue()).toBe('a/1');
    keys.clear();
    expect(keys.has('a/2')).toBe(false);
    keys.add('a/3');
    expect(keys.dequeue()).toBe(undefined);
    keys.release('a/1');
    expect(keys.dequeue()).toBe('a/3');
  });

  it('removes single keys', () => {
    const keys = new FairQueue(1);
    for (const key of ['a/1', 'b/1']) keys.add(key);
    keys.remove('a/1');
    keys.remove('a/9');
    expect(dequeueAll(keys)).toEqual(['b/1']);
  });
});
