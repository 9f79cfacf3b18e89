import { describe, expect, it } from 'vitest';
import {
  formatLabelSelector,
  parseLabelSelector,
  selectsLabels,
} from '../../../src/domain/label-selector.js';
import { changedLabels, labelsAndNoteProblem } from '../../../src/domain/labels-and-note.js';

const selects = (text: string, labels: Readonly<Record<string, string>>) =>
  selectsLabels(parseLabelSelector(text) ?? [], labels);

describe('labels', () => {
  it.each<Readonly<Record<string, string>>>([
    { team: 'payments' },
    { 'example.com/team': 'Payments_1.2-x' },
    { a: '', constructor: 'x' },
    { ['a'.repeat(63)]: 'b'.repeat(63) },
  ])('can be %j', (labels) => {
    expect(labelsAndNoteProblem({ labels })).toBeUndefined();
  });

  it.each<Readonly<Record<string, string>>>([
    { '': 'x' },
    { 'a b': 'x' },
    { '/a': 'x' },
    { 'a/b/c': 'x' },
    { 'Example.com/a': 'x' },
    { ['a'.repeat(64)]: 'x' },
    { a: 'b'.repeat(64) },
    { a: '-b' },
    { a: 'b c' },
    { a: 'b\n' },
    { a: '<script>' },
    JSON.parse('{"__proto__":"x"}'),
    { 'linkgrant.dev/grant-uid': 'x' },
    { 'internal.skupper.io/listener': 'x' },
    { 'app.kubernetes.io/managed-by': 'x' },
  ])('cannot be %j', (labels) => {
    expect(labelsAndNoteProblem({ labels })).toBeTypeOf('string');
  });

  it('are at most 32 after a change, but an object that has more can get new values for its labels', () => {
    const many = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, at) => [`k${at}`, 'v']));
    expect(labelsAndNoteProblem({ labels: many(32) })).toBeUndefined();
    expect(labelsAndNoteProblem({ labels: many(33) })).toBeTypeOf('string');
    expect(labelsAndNoteProblem({ labels: { one: 'more' } }, many(32))).toBeTypeOf('string');
    expect(labelsAndNoteProblem({ labels: { one: 'more', k1: null } }, many(32))).toBeUndefined();
    expect(labelsAndNoteProblem({ labels: { k1: 'other' } }, many(40))).toBeUndefined();
    expect(labelsAndNoteProblem({ labels: { one: 'more' } }, many(40))).toBeTypeOf('string');
  });

  it('are set and removed by a change, which retains the others', () => {
    expect(changedLabels({ a: '1', b: '2' }, { b: null, c: '3', a: '0', d: null })).toEqual({
      a: '0',
      c: '3',
    });
  });
});

describe('a note', () => {
  it('has 1 to 1,000 characters, none of them a control character', () => {
    expect(labelsAndNoteProblem({ note: '<b>\u202e\u200b"\'' })).toBeUndefined();
    expect(labelsAndNoteProblem({ note: '\u{1f600}'.repeat(1_000) })).toBeUndefined();
    expect(labelsAndNoteProblem({ note: null })).toBeUndefined();
    for (const note of ['', 'x'.repeat(1_001), 'a\nb', 'a\u0000', '\u001b[2J', '\u009b2J', '\ud800']) {
      expect(labelsAndNoteProblem({ note }), JSON.stringify(note)).toBeTypeOf('string');
    }
  });
});

describe('a label selector', () => {
  it('selects by equality, inequality, presence and absence, combined with AND', () => {
    const labels = { team: 'payments', pilot: '' };
    expect(selects('team=payments', labels)).toBe(true);
    expect(selects('team==payments', labels)).toBe(true);
    expect(selects('team=shop', labels)).toBe(false);
    expect(selects('team!=shop', labels)).toBe(true);
    expect(selects('team!=payments', labels)).toBe(false);
    expect(selects('region!=eu', labels)).toBe(true);
    expect(selects('pilot', labels)).toBe(true);
    expect(selects('pilot=', labels)).toBe(true);
    expect(selects('region=', labels)).toBe(false);
    expect(selects('!pilot', labels)).toBe(false);
    expect(selects('!region', labels)).toBe(true);
    expect(selects('team=payments, !region', labels)).toBe(true);
    expect(selects('team=payments,region', labels)).toBe(false);
  });

  it('finds no label in the prototype of objects', () => {
    expect(selects('constructor', {})).toBe(false);
    expect(selects('!toString', {})).toBe(true);
    expect(selects('constructor', { constructor: 'x' })).toBe(true);
  });

  it('is formatted in canonical form', () => {
    for (const text of ['a=b', 'a!=b', 'a', '!a', 'a=', 'example.com/a=b,c!=d,e,!f']) {
      expect(formatLabelSelector(parseLabelSelector(text) ?? [])).toBe(text);
    }
    expect(formatLabelSelector(parseLabelSelector(' a == b , ! c ') ?? [])).toBe('a=b,!c');
  });

  it.each([
    ...['', ',', 'a,', 'a;b', '=b', '!a=b', 'a=b=c', 'a=b c', '__proto__'],
    ...['a in (b,c)', 'a notin (b)', 'a>1'],
  ])('is not valid as %j', (text) => {
    expect(parseLabelSelector(text)).toBeUndefined();
  });
});
