import { refuseIfAny } from '#platform/errors.ts';
import { checkText } from '#platform/rules.ts';

const MAX_SEARCH_CHARS = 50;

/** What people are looked for by; null for everybody. Refuses what is longer than a name can be. */
export function acceptSearch(search: string | null | undefined): string | null {
  const text = search?.trim() ?? '';
  refuseIfAny(checkText('search', text, { maxChars: MAX_SEARCH_CHARS }));
  return text === '' ? null : text;
}
