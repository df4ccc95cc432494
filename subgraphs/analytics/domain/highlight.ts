import { normaliseText, type SearchTerms } from './search-text.ts';

const MAX_CHARS = 160;
const LEAD_CHARS = 60;

interface Word {
  readonly start: number;
  readonly end: number;
  readonly matches: boolean;
}

/**
 * The piece of the first text with a match, as HTML: escaped, because texts are written by strangers, with matches in `<mark>`.
 * Null where no text holds any of the words.
 */
export function highlight(texts: readonly (string | null)[], terms: SearchTerms): string | null {
  for (const text of texts) {
    const words = text === null ? [] : findWords(text, terms);
    const first = words.find(({ matches }) => matches);
    if (text !== null && first) return mark(text, pieceAround(words, first));
  }
  return null;
}

function findWords(text: string, terms: SearchTerms): Word[] {
  const last = terms.words.at(-1);
  const wanted = new Set(terms.words);
  return [...text.matchAll(/[\p{L}\p{N}\p{M}]+/gu)].map(({ 0: word, index }) => {
    const plain = normaliseText(word);
    const matches = wanted.has(plain) || (last !== undefined && plain.startsWith(last));
    return { start: index, end: index + word.length, matches };
  });
}

// Cut between words only, so neither a word nor a surrogate pair is torn.
function pieceAround(words: readonly Word[], first: Word): Word[] {
  const fromChar = first.start - LEAD_CHARS;
  const begin = words.find(({ start }) => start >= fromChar) ?? first;
  return words.filter(
    ({ start, end }) => start >= begin.start && (end <= begin.start + MAX_CHARS || end <= first.end),
  );
}

function mark(text: string, piece: readonly Word[]): string {
  const begin = piece[0]?.start ?? 0;
  const end = piece.at(-1)?.end ?? text.length;
  // What is left and right of all words (brackets, full stops) belongs to the piece where nothing was cut off there.
  const cutBefore = /[\p{L}\p{N}]/u.test(text.slice(0, begin));
  const cutBehind = /[\p{L}\p{N}]/u.test(text.slice(end));
  let html = cutBefore ? '…' : escapeHtml(text.slice(0, begin));
  let at = begin;
  for (const word of piece) {
    html += escapeHtml(text.slice(at, word.start));
    const escaped = escapeHtml(text.slice(word.start, word.end));
    html += word.matches ? `<mark>${escaped}</mark>` : escaped;
    at = word.end;
  }
  return html + (cutBehind ? '…' : escapeHtml(text.slice(end)));
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

const escapeHtml = (text: string): string =>
  text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
