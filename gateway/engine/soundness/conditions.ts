import { Kind, type SelectionNode } from 'graphql';
import { publicName } from '../private-names.ts';

/** What must hold together, sorted: `a` for a variable that is true, `!a` for one that is not. */
export type Conditions = readonly string[];

export const ALWAYS: Conditions = [];

export const opposite = (literal: string): string =>
  literal.startsWith('!') ? literal.slice(1) : `!${literal}`;

/** Null where they exclude each other. */
export function both(one: Conditions, other: Conditions): Conditions | null {
  if (one.length === 0 || one === other) return other;
  if (other.length === 0) return one;
  const all = new Set([...one, ...other]);
  for (const literal of all) if (all.has(opposite(literal))) return null;
  return all.size === one.length ? one : [...all].sort();
}

/** Whether `wanted` holds wherever `given` does. */
export const implies = (given: Conditions, wanted: Conditions): boolean =>
  wanted.every((literal) => given.includes(literal));

/** What `@skip` and `@include` of a selection ask for; null where it is never included. */
export function conditionsOf({ directives }: SelectionNode): Conditions | null {
  let conditions: Conditions | null = ALWAYS;
  for (const { name, arguments: given } of directives ?? []) {
    if (name.value !== 'skip' && name.value !== 'include') continue;
    const value = given?.[0]?.value;
    const isWanted = name.value === 'include';
    if (value?.kind === Kind.VARIABLE) {
      const variable = publicName(value.name.value);
      conditions = conditions && both(conditions, [isWanted ? variable : `!${variable}`]);
    } else if (value?.kind === Kind.BOOLEAN && value.value !== isWanted) conditions = null;
  }
  return conditions;
}

/** Several conditions, of which one is enough: none is enough where there are none. */
export type Alternatives = readonly Conditions[];

export const SURELY: Alternatives = [ALWAYS];

/** Past this many alternatives fewer are claimed than there are: the check may refuse then, and never accepts what it should not. */
const MAX_ALTERNATIVES = 16;

/** Without those that another one is part of. */
export function eitherOf(alternatives: Alternatives): Alternatives {
  if (alternatives.length < 2) return alternatives;
  if (alternatives.some(({ length }) => length === 0)) return SURELY;
  const kept: Conditions[] = [];
  for (const one of alternatives.toSorted((a, b) => a.length - b.length))
    if (kept.length < MAX_ALTERNATIVES && !kept.some((other) => implies(one, other))) kept.push(one);
  return kept;
}

/** Where both hold. */
export function allOf(one: Alternatives, other: Alternatives): Alternatives {
  if (one === SURELY) return other;
  if (other === SURELY) return one;
  return eitherOf(one.flatMap((a) => other.map((b) => both(a, b)).filter((joint) => joint !== null)));
}
