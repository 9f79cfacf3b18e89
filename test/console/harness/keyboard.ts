import type { Locator, Page } from 'playwright-core';
import { expect } from 'vitest';

const MAX_PRESSES = 200;

/** Returns why the focused element cannot be seen; empty if it is in view and has an outline, or if no element has the focus. */
const FOCUS_FAULT = `(() => {
  const element = document.activeElement;
  if (element === document.body) return '';
  const { top, bottom, left, right } = element.getBoundingClientRect();
  const isInView = bottom > 0 && right > 0 && top < innerHeight && left < innerWidth;
  const { outlineStyle, outlineWidth } = getComputedStyle(element);
  const hasOutline = outlineStyle !== 'none' && parseFloat(outlineWidth) > 0;
  return isInView && hasOutline ? '' : 'the focus is not visible: ' + element.outerHTML.slice(0, 200);
})()`;

/** A user who has only a keyboard. */
export class KeyboardUser {
  readonly #page: Page;

  constructor(page: Page) {
    this.#page = page;
  }

  /** Presses Tab until `target` has the focus. Throws if it is never reached, or if the focus is invisible on the way. */
  async reach(target: Locator): Promise<void> {
    await target.waitFor();
    // A search by role for each press would take most of the time.
    let element = await target.elementHandle();
    for (let presses = 0; presses < MAX_PRESSES; presses += 1) {
      const state = await element?.evaluate((found) => {
        if (found === found.ownerDocument.activeElement) return 'focused';
        return found.isConnected ? 'elsewhere' : 'replaced';
      });
      if (state === 'focused') return;
      if (state === 'replaced') element = await target.elementHandle();
      await this.#page.keyboard.press('Tab');
      // The browser may scroll to the focused element only in the next frame.
      await expect.poll(() => this.#page.evaluate(FOCUS_FAULT)).toBe('');
    }
    throw new Error(`Tab does not reach ${target}`);
  }

  /** Reaches `target` and presses `keys` there, one after the other. */
  async use(target: Locator, ...keys: readonly string[]): Promise<void> {
    await this.reach(target);
    for (const key of keys) await this.#page.keyboard.press(key);
  }

  /** Reaches a text field and replaces its text. */
  async write(field: Locator, text: string): Promise<void> {
    await this.use(field, 'Control+A', 'Delete');
    await this.#page.keyboard.type(text);
  }
}

/** True if `target` has the focus. */
export function hasFocus(target: Locator): Promise<boolean> {
  return target.evaluate((element) => element === element.ownerDocument.activeElement);
}
