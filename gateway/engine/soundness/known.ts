import { both, type Conditions } from './conditions.ts';
import type { TypeNames } from './type-names.ts';

/** One field of a selection: of an operation, or of what fetches bring. */
export interface Fact {
  /** The objects that it is about. */
  readonly types: TypeNames;
  readonly conditions: Conditions;
  /** Field and arguments; null where it only says what is below, if anything is there. */
  readonly what: string | null;
  /** Names of the types that the value's objects may be of; null for a leaf, and where `what` is. */
  readonly returns: ReadonlySet<string> | null;
  /** Null for a leaf. */
  readonly inner: Known | null;
}

/** What is selected of an object, by response name. */
export type Known = Map<string, Fact[]>;

/** Something known under conditions. */
export interface Source {
  readonly known: Known;
  readonly under: Conditions;
}

/** Adds in place; `fact.inner` belongs to `known` from then on. */
export function addFact(known: Known, key: string, fact: Fact): Known | null {
  const facts = known.get(key);
  if (!facts) {
    known.set(key, [fact]);
    return fact.inner;
  }
  const same = facts.find((other) => isSame(other, fact));
  if (!same) {
    facts.push(fact);
    return fact.inner;
  }
  if (same.inner && fact.inner) addAll(same.inner, fact.inner);
  return same.inner;
}

export function addAll(target: Known, source: Known): void {
  for (const [key, facts] of source) {
    if (target.has(key)) for (const fact of facts) addFact(target, key, fact);
    else target.set(key, facts);
  }
}

const isSame = (one: Fact, other: Fact) =>
  one.what === other.what &&
  one.types === other.types &&
  (one.inner === null) === (other.inner === null) &&
  one.conditions.join() === other.conditions.join() &&
  (one.returns === other.returns || textOf(one.returns) === textOf(other.returns));

const textOf = (names: Fact['returns']) => names && [...names].join();

/** A fact, with all conditions that it depends on. */
export interface Candidate {
  readonly fact: Fact;
  readonly under: Conditions;
}

/** What several sources know under a response name. */
export function* factsAt(sources: readonly Source[], key: string): Generator<Candidate> {
  for (const { known, under } of sources)
    for (const fact of known.get(key) ?? []) {
      const conditions = both(under, fact.conditions);
      if (conditions) yield { fact, under: conditions };
    }
}
