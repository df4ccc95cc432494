import type { Page } from 'playwright-core';

/** Whether a page can be used: by keyboard, on a small screen, and by eyes that need contrast. */

const MOST_STOPS = 60;

/** Runs in the page. Name of what has the keyboard's focus; empty while that is not the expected one. */
function nameOfFocus(expected: string | RegExp | null): string {
  const focused = document.activeElement;
  if (!(focused instanceof HTMLElement)) return '';
  const label = document.querySelector<HTMLElement>(`label[for="${focused.id}"]`)?.innerText;
  const name = (focused.ariaLabel ?? label ?? focused.innerText).trim();
  const isExpected = typeof expected === 'string' ? name === expected : (expected?.test(name) ?? true);
  return isExpected ? name : '';
}

/** Waits until what has the keyboard's focus is called so: what moves it may come from elsewhere. */
export async function focusIs(page: Page, name: string | RegExp): Promise<void> {
  await page.waitForFunction(nameOfFocus, name);
}

/** Presses Tab until that has the focus; fails where it cannot be reached, and where the focus is not to be seen on the way. */
export async function tabTo(page: Page, name: string | RegExp): Promise<void> {
  const stops: string[] = [];
  for (let stop = 0; stop < MOST_STOPS; stop++) {
    await page.keyboard.press('Tab');
    const focus = await page.evaluate(nameOfFocus, null);
    if (stops.length > 0 && focus !== '' && !(await isFocusVisible(page)))
      throw new Error(`the focus on "${focus}" is not to be seen`);
    if (typeof name === 'string' ? focus === name : name.test(focus)) return;
    stops.push(focus);
  }
  throw new Error(`Tab does not lead to "${name}", but to ${JSON.stringify(stops)}`);
}

const isFocusVisible = (page: Page): Promise<boolean> =>
  page.evaluate(() => {
    const focused = document.activeElement;
    if (!focused || focused === document.body) return true;
    const { outlineStyle, outlineWidth } = getComputedStyle(focused);
    return outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2;
  });

/** What is wider than the screen; empty where nothing has to be scrolled sideways. */
export const overflowing = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    if (document.documentElement.scrollWidth <= innerWidth) return [];
    const wide = [...document.querySelectorAll('body *')].filter(
      (element) => element.getBoundingClientRect().right > innerWidth,
    );
    return wide.map(({ tagName, id, className }) => `${tagName}#${id}.${className}`);
  });

/** Controls that are too small for a finger, or, once they are scrolled to, behind something else. */
export const outOfReach = (page: Page, minPx: number): Promise<string[]> =>
  page.evaluate((minPx) => {
    const modal = document.querySelector('dialog[open]');
    // What covers the screen is all that is to be reached.
    const cover =
      modal ??
      [...document.querySelectorAll('#chat:not([hidden])')].find((one) => one.clientWidth === innerWidth);
    const controls = [
      ...(cover ?? document).querySelectorAll<HTMLElement>('button, input, select, textarea'),
    ];
    return controls
      .filter((control) => control.checkVisibility())
      .filter((control) => {
        control.scrollIntoView({ block: 'center' });
        const { left, top, width, height } = control.getBoundingClientRect();
        const hit = document.elementFromPoint(left + width / 2, top + height / 2);
        return Math.min(width, height) < minPx || !(hit && (control.contains(hit) || hit.contains(control)));
      })
      .map((control) => control.ariaLabel ?? (control.innerText || control.id));
  }, minPx);

/** Texts whose contrast to what is behind them (WCAG 2, 1.4.3) is lower than `min`. */
export const contrastsBelow = (page: Page, min: number): Promise<string[]> =>
  page.evaluate((min) => {
    const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
    // Whatever notation a colour has, a pixel of it is three numbers.
    const luminanceOf = (layers: readonly string[]): number => {
      if (!canvas) throw new Error('there is no canvas');
      canvas.clearRect(0, 0, 1, 1);
      for (const layer of layers) {
        canvas.fillStyle = layer;
        canvas.fillRect(0, 0, 1, 1);
      }
      const linear = [...canvas.getImageData(0, 0, 1, 1).data.slice(0, 3)].map((value) => {
        const share = value / 255;
        return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
      });
      const [red = 0, green = 0, blue = 0] = linear;
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const layersBehind = (element: Element | null): string[] =>
      element
        ? [...layersBehind(element.parentElement), getComputedStyle(element).backgroundColor]
        : ['white'];
    const hasText = (element: Element) =>
      [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.nodeValue?.trim());
    return [...document.querySelectorAll('body *')]
      .filter(
        (element) => hasText(element) && element.checkVisibility() && !element.matches(':disabled, option'),
      )
      .flatMap((element) => {
        const behind = layersBehind(element);
        const text = luminanceOf([...behind, getComputedStyle(element).color]);
        const ground = luminanceOf(behind);
        const ratio = (Math.max(text, ground) + 0.05) / (Math.min(text, ground) + 0.05);
        return ratio < min ? [`${ratio.toFixed(2)}: ${element.textContent}`] : [];
      });
  }, min);
