/** An element that the page's HTML must contain. */
export function requireElement<T extends HTMLElement>(id: string, type: new () => T): T {
  const element = document.getElementById(id);
  if (element instanceof type) return element;
  throw new Error(`The page has no ${type.name} "${id}".`);
}

export const requireButton = (id: string): HTMLButtonElement => requireElement(id, HTMLButtonElement);

export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className: string,
  text = '',
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

/** `type` is given because a button without one would submit the form that it is in. */
export function makeButton(text: string, onClick: () => void, className = ''): HTMLButtonElement {
  const button = make('button', className, text);
  button.type = 'button';
  button.addEventListener('click', onClick);
  return button;
}

/** Unchanged text is left alone: screen readers announce what is written. */
export function setText(element: Element | null, text: string): void {
  if (element && element.textContent !== text) element.textContent = text;
}

/** Shows the text, or hides the element where there is none. */
export function showText(element: HTMLElement, text: string | null): void {
  setText(element, text ?? '');
  element.hidden = text === null;
}

/**
 * Draws something anew, and leaves the keyboard's focus where it was: also where its element was moved or made anew. Where that is gone, the focus
 * goes to the first of `fallbacks` that is shown.
 */
export function keepFocus(draw: () => void, ...fallbacks: HTMLElement[]): void {
  const focused = document.activeElement;
  draw();
  if (!(focused instanceof HTMLElement) || focused === document.body) return;
  const label = focused.ariaLabel;
  const again = focused.isConnected || !label ? focused : findLabelled(label);
  const target = [again, ...fallbacks].find((element) => element?.checkVisibility());
  if (document.activeElement !== target) target?.focus({ preventScroll: true });
}

const findLabelled = (label: string): HTMLElement | null =>
  document.querySelector<HTMLElement>(`[aria-label="${CSS.escape(label)}"]`);
