// Letters that Unicode does not decompose, in the spelling that people type without them.
const PLAIN_LETTERS: Readonly<Record<string, string>> = {
  ø: 'o',
  ł: 'l',
  đ: 'd',
  ð: 'd',
  þ: 'th',
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ı: 'i',
};
const MAX_WORDS = 12;
const MAX_WORD_CHARS = 60;

/** Lower-case words without accents, one space between them; everything that is neither letter nor digit is gone. */
export function normaliseText(text: string): string {
  return text
    .toLowerCase()
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/\p{M}+/gu, '')
    .replaceAll(/[øłđðþßæœı]/gu, (letter) => PLAIN_LETTERS[letter] ?? letter)
    .replaceAll(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();
}

/** What someone searches for, made safe: `words` hold letters and digits only, at most 12 words of 60 characters. */
export interface SearchTerms {
  readonly words: readonly string[];
  /** The words with a space between them. */
  readonly text: string;
}

export function parseTerms(query: string): SearchTerms {
  const words = normaliseText(query)
    .split(' ')
    .filter((word) => word !== '')
    .slice(0, MAX_WORDS)
    .map((word) => [...word].slice(0, MAX_WORD_CHARS).join(''));
  return { words, text: words.join(' ') };
}

/** In the language of to_tsquery: all words, the last one perhaps cut short. With `label`, in fields of that weight only. */
export function toTsquery({ words }: SearchTerms, label: 'A' | '' = ''): string {
  return words
    .map((word, index) => {
      const flags = (index === words.length - 1 ? '*' : '') + label;
      return flags === '' ? word : `${word}:${flags}`;
    })
    .join(' & ');
}
