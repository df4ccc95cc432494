/** What a statement does to what, without any value: `select track`, `insert play_day select play`. */
export interface QuerySummary {
  /** Operations and what they are applied to, in their order, as OpenTelemetry's conventions for databases say. */
  readonly text: string;
  /** The operation, where it is the same everywhere in the statement. */
  readonly operation: string | undefined;
}

const MAX_CHARS = 255;
const MAX_REMEMBERED = 500;

/** Comments and texts are passed over whole. A name is one token with its dots and quotes. */
const TOKEN =
  /--[^\n]*|\/\*[\s\S]*?\*\/|'(?:[^']|'')*'|\$(\w*)\$[\s\S]*?\$\1\$|(?<name>(?:"(?:[^"]|"")*"|[a-z_][\w$]*)(?:\.(?:"(?:[^"]|"")*"|[a-z_][\w$]*))*)|(?<sign>[(),])/gi;
const QUERY = /^(?:select|insert|update|delete|merge)$/i;
/** At its very beginning only. */
const COMMAND =
  /^(?:truncate|call|lock|set|show|create|alter|drop|begin|commit|rollback|savepoint|release)$/i;
/** `on conflict do update`, `for update`, `for no key update`, `on delete cascade` are no operations. */
const NO_OPERATION_BEHIND = /^(?:do|for|key|on)$/i;
const TARGET_FOLLOWS = /^(?:from|join|using|into|update|truncate|table|call)$/i;
/** Behind these one target may follow another, and a name before a parenthesis is that of a function. */
const LIST_FOLLOWS = /^(?:from|join|using|truncate)$/i;
const LIST_ENDS = /^(?:where|group|having|order|limit|offset|union|window|for|set|values|returning)$/i;
/** May stand between such a word and the name. */
const PASSED_OVER = /^(?:only|lateral|if|not|exists)$/i;

const known = new Map<string, QuerySummary>();

/** `query` has placeholders for its values. Summaries are remembered, since statements are few. */
export function querySummary(query: string): QuerySummary {
  let summary = known.get(query);
  if (!summary) {
    if (known.size >= MAX_REMEMBERED) known.clear();
    known.set(query, (summary = summarise(query)));
  }
  return summary;
}

function summarise(query: string): QuerySummary {
  const tokens = [...query.matchAll(TOKEN)].flatMap(
    ({ groups }) => groups?.['name'] ?? groups?.['sign'] ?? [],
  );
  const { parts, operations } = new Reading(tokens);
  return { text: cut(parts), operation: operations.size === 1 ? [...operations.values()][0] : undefined };
}

/** Not within a name. */
function cut(parts: readonly string[]): string {
  let text = '';
  for (const part of parts) {
    const longer = text === '' ? part : `${text} ${part}`;
    if (longer.length > MAX_CHARS) break;
    text = longer;
  }
  return text;
}

/** What is between two parentheses. */
interface Level {
  /** Where it is no query, as in `extract(day from at)`, its words are no keywords. */
  isQuery: boolean;
  isList: boolean;
}

class Reading {
  readonly parts: string[] = [];
  /** As they are written, by the same in lower case. */
  readonly operations = new Map<string, string>();
  readonly #tokens: readonly string[];
  readonly #own: ReadonlySet<string>;
  readonly #levels: Level[] = [{ isQuery: true, isList: false }];
  #isExpected = false;

  constructor(tokens: readonly string[]) {
    this.#tokens = tokens;
    this.#own = namesOfParts(tokens);
    for (const [index, token] of tokens.entries()) this.#read(token, index);
  }

  #read(token: string, index: number): void {
    const level = this.#levels.at(-1) ?? { isQuery: true, isList: false };
    const before = this.#tokens[index - 1] ?? '';
    if (token === '(') this.#levels.push({ isQuery: this.#isExpected, isList: this.#isExpected });
    else if (token === ')') this.#leave();
    else if (token === ',') this.#isExpected = level.isList;
    else if (isOperation(token, before, index)) this.#operate(token, level);
    else if (level.isQuery && isBeforeTarget(token, before)) this.#expect(token, level);
    else if (LIST_ENDS.test(token)) this.#isExpected = level.isList = false;
    else if (this.#isExpected && !PASSED_OVER.test(token)) this.#target(token, index, level);
  }

  #leave(): void {
    this.#levels.pop();
    this.#isExpected = false;
  }

  #operate(token: string, level: Level): void {
    this.parts.push(token);
    this.operations.set(token.toLowerCase(), token);
    level.isQuery = true;
    level.isList = false;
    this.#isExpected = false;
    if (TARGET_FOLLOWS.test(token)) this.#expect(token, level);
  }

  #expect(token: string, level: Level): void {
    this.#isExpected = true;
    level.isList = LIST_FOLLOWS.test(token);
  }

  #target(token: string, index: number, level: Level): void {
    this.#isExpected = false;
    const isFunction = level.isList && this.#tokens[index + 1] === '(';
    if (!isFunction && !this.#own.has(token)) this.parts.push(token);
  }
}

const isOperation = (token: string, before: string, index: number) =>
  QUERY.test(token) ? !NO_OPERATION_BEHIND.test(before) : index === 0 && COMMAND.test(token);

/** `is distinct from` compares two values. */
const isBeforeTarget = (token: string, before: string) =>
  TARGET_FOLLOWS.test(token) && !NO_OPERATION_BEHIND.test(before) && !/^distinct$/i.test(before);

/** Names that a `with` gives to parts of the statement: they are no tables. */
function namesOfParts(tokens: readonly string[]): ReadonlySet<string> {
  const isPart = (index: number) =>
    /^as( not)?( materialized)? \(/i.test(tokens.slice(index + 1, index + 5).join(' '));
  return new Set(tokens.filter((_, index) => isPart(index)));
}
