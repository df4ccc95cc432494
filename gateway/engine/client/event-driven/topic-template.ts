import { CodedError } from '#platform/errors.ts';

/**
 * The live topic of a subscription field, by its arguments: `review.added.{productId}`. What an argument puts in can never be taken for the
 * template's own text, nor for part of another argument, so that a client reaches topics of this form alone, and each by one set of
 * arguments only.
 */
export interface TopicTemplate {
  readonly text: string;
  /** Text and arguments by turns, text first and last; text may be empty at the end. */
  readonly literals: readonly string[];
  readonly names: readonly string[];
}

/** What no value is written with: letters, digits, - and _ stand for themselves, all else, as UTF-8, byte by byte as %XX. */
const DELIMITER = /[^A-Za-z0-9_%-]/;
const LITERAL = /^[!-~]*$/;
const PLACEHOLDER = /\{([_A-Za-z][_0-9A-Za-z]*)\}/;
const MAX_VALUE_CHARS = 512;
/** Topics of the platform itself. */
const OWN_PREFIX = 'veza:';

/** Throws an Error that says what is wrong with a template. */
export function parseTopicTemplate(text: string): TopicTemplate {
  const parts = text.split(PLACEHOLDER);
  const literals = parts.filter((_, index) => index % 2 === 0);
  const names = parts.filter((_, index) => index % 2 === 1);
  const [first = '', ...others] = literals;
  if (literals.some((literal) => !LITERAL.test(literal) || /[{}%]/.test(literal)))
    throw new Error('holds a character that no topic may have, or a brace that is not {argument}');
  if (first === '') throw new Error('must begin with text of its own');
  if (first.startsWith(OWN_PREFIX)) throw new Error('is a topic of the platform itself');
  if (others.slice(0, -1).some((literal) => !DELIMITER.test(literal)))
    throw new Error('must separate arguments by a character that their values cannot have, such as . or :');
  return { text, literals, names };
}

/** The topic by the arguments of an operation. Throws BAD_USER_INPUT for an argument that is missing, or that no topic can be made of. */
export function topicOf(
  { literals, names }: TopicTemplate,
  valueOf: (argument: string) => string | null,
): string {
  const [first = '', ...others] = literals;
  return others.reduce((topic, literal, index) => {
    const name = names[index] ?? '';
    return topic + written(name, valueOf(name)) + literal;
  }, first);
}

function written(name: string, value: string | null): string {
  if (value === null || value === '' || value.length > MAX_VALUE_CHARS || !value.isWellFormed())
    throw new CodedError(
      'BAD_USER_INPUT',
      `This subscription needs the argument ${name}, a text or a number of 1 to ${MAX_VALUE_CHARS} characters.`,
    );
  return encodeURIComponent(value).replace(/[.!~*'()]/g, asByte);
}

const asByte = (char: string) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`;

/** Whether the arguments of one template may lead to a topic of the other, which has another form. */
export function mayCoincide(one: TopicTemplate, other: TopicTemplate): boolean {
  if (JSON.stringify(one.literals) === JSON.stringify(other.literals)) return false;
  const [segments, others] = [segmentsOf(one), segmentsOf(other)];
  return (
    segments.length === others.length &&
    segments.every((segment, index) => areAlike(segment, others[index] ?? segment))
  );
}

/** Text between two characters that no value can have; `end` is null where there is no argument in it, else what follows the argument. */
interface Segment {
  readonly start: string;
  readonly end: string | null;
}

function segmentsOf({ literals }: TopicTemplate): Segment[] {
  // An argument stands as a line feed, which is no part of a literal.
  return literals
    .join('\n')
    .split(/(?=[^A-Za-z0-9_%\n-])/)
    .map((text) => {
      const [start = '', end = null] = text.split('\n');
      return { start, end };
    });
}

function areAlike(one: Segment, other: Segment): boolean {
  if (one.end === null && other.end === null) return one.start === other.start;
  if (one.end === null) return areAlike(other, one);
  const { start, end } = one;
  if (other.end === null)
    return (
      other.start.length > start.length + end.length &&
      other.start.startsWith(start) &&
      other.start.endsWith(end)
    );
  const startsAlike = start.startsWith(other.start) || other.start.startsWith(start);
  return startsAlike && (end.endsWith(other.end) || other.end.endsWith(end));
}
