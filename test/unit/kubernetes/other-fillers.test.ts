import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { OtherFillers } from '../../../src/platforms/kubernetes/store/other-fillers.js';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

/** Gives way, and tells whether that is over. */
function giving(others: OtherFillers, patience = others.patience()) {
  const state = { isOver: false };
  void others.giveWay(patience).then(() => {
    state.isOver = true;
  });
  return state;
}

describe('a process that gives way to others', () => {
  it('waits for nothing while nobody else fills slots', async () => {
    const others = new OtherFillers();
    const alone = giving(others);
    await pass(0);
    expect(alone.isOver).toBe(true);
    others.note();
    await pass(1_000);
    const later = giving(others);
    await pass(0);
    expect(later.isOver).toBe(true);
  });

  it('goes on some moments after the last slot that another one filled', async () => {
    const others = new OtherFillers();
    others.note();
    const state = giving(others);
    for (let slot = 0; slot < 15; slot += 1) {
      await pass(5);
      expect(state.isOver).toBe(false);
      others.note();
    }
    await pass(15);
    expect(state.isOver).toBe(true);
  });

  it('goes on all the same while the others never pause, and at once when it asks again', async () => {
    const others = new OtherFillers();
    others.note();
    const patience = others.patience();
    const state = giving(others, patience);
    for (let slot = 0; slot < 52; slot += 1) {
      await pass(5);
      others.note();
    }
    expect(state.isOver).toBe(true);
    const again = giving(others, patience);
    await pass(0);
    expect(again.isOver).toBe(true);
  });
});
