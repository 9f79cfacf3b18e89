import { describe, expect, it } from 'vitest';
import { ReadyKeys } from '../../../src/platforms/kubernetes/controller/ready-keys.js';

function keysOf(most: number): ReadyKeys {
  return new ReadyKeys({ of: (key) => key.split('/', 1)[0] as string, most });
}

function taken(keys: ReadyKeys): string[] {
  const all: string[] = [];
  for (let key = keys.take(); key !== undefined; key = keys.take()) all.push(key);
  return all;
}

describe('keys that wait', () => {
  it('are one after another where they are all one’s', () => {
    const keys = new ReadyKeys();
    for (const key of ['b', 'a', 'b', 'c']) keys.add(key);
    expect(keys.size).toBe(3);
    expect(taken(keys)).toEqual(['b', 'a', 'c']);
    expect(keys.size).toBe(0);
  });

  it('take turns by whose they are, however many one has', () => {
    const keys = keysOf(9);
    for (const key of ['a/1', 'a/2', 'a/3', 'b/1', 'c/1', 'b/2']) keys.add(key);
    expect(taken(keys)).toEqual(['a/1', 'b/1', 'c/1', 'a/2', 'b/2', 'a/3']);
  });

  it('are not taken beyond what one may have, until one of them is released', () => {
    const keys = keysOf(1);
    for (const key of ['a/1', 'a/2', 'b/1']) keys.add(key);
    expect(taken(keys)).toEqual(['a/1', 'b/1']);
    keys.release('b/1');
    expect(taken(keys)).toEqual([]);
    keys.release('a/1');
    expect(taken(keys)).toEqual(['a/2']);
  });

  it('count as taken also when the rest is forgotten meanwhile', () => {
    const keys = keysOf(1);
    keys.add('a/1');
    keys.add('a/2');
    expect(keys.take()).toBe('a/1');
    keys.clear();
    expect(keys.has('a/2')).toBe(false);
    keys.add('a/3');
    expect(keys.take()).toBe(undefined);
    keys.release('a/1');
    expect(keys.take()).toBe('a/3');
  });

  it('can be forgotten one by one', () => {
    const keys = keysOf(1);
    for (const key of ['a/1', 'b/1']) keys.add(key);
    keys.remove('a/1');
    keys.remove('a/9');
    expect(keys.size).toBe(1);
    expect(taken(keys)).toEqual(['b/1']);
  });
});
