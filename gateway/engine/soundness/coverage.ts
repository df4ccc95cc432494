import { both, implies, opposite, type Conditions } from './conditions.ts';
import { factsAt, type Candidate, type Fact, type Known, type Source } from './known.ts';
import { TYPE_NAME } from './signature.ts';
import { applies, overlap } from './type-names.ts';

/** A field that nobody fetches. */
export interface Missing {
  readonly path: readonly string[];
  readonly type: string;
  readonly what: string;
  /** What is there under its name. */
  readonly instead: string | null;
}

/** What is asked of objects of `types`, and what is known of them. */
interface Asked {
  readonly needed: Known;
  readonly types: ReadonlySet<string>;
  readonly sources: readonly Source[];
  /** When it is asked. */
  readonly under: Conditions;
  readonly path: readonly string[];
}

/** The first field of `needed` that is not known of some object, under some conditions; null where all are. */
export function findMissing(asked: Asked): Missing | null {
  for (const [key, facts] of asked.needed)
    for (const fact of facts) {
      const under = both(asked.under, fact.conditions);
      const missing = under && missingOf({ ...asked, under }, key, fact);
      if (missing) return missing;
    }
  return null;
}

function missingOf(asked: Asked, key: string, needed: Fact): Missing | null {
  const types = [...asked.types].filter((name) => applies(needed.types, name));
  if (types.length === 0) return null;
  const candidates = [...factsAt(asked.sources, key)].filter(
    ({ fact, under }) => overlap(fact.types, asked.types) && both(under, asked.under),
  );
  for (const group of groupsOf(types, candidates)) {
    const missing = missingOfGroup(asked, key, needed, group);
    if (missing) return missing;
  }
  return null;
}

interface Group {
  readonly types: readonly string[];
  readonly candidates: readonly Candidate[];
}

/** Types of which the same is known are looked at together. */
function groupsOf(types: readonly string[], candidates: readonly Candidate[]): Group[] {
  const partial = candidates.filter(({ fact }) => types.some((name) => !applies(fact.types, name)));
  if (partial.length === 0) return [{ types, candidates }];
  const groups = new Map<string, { types: string[]; candidates: Candidate[] }>();
  for (const name of types) {
    const signature = partial.map(({ fact }) => (applies(fact.types, name) ? '1' : '0')).join('');
    const group = groups.get(signature);
    if (group) group.types.push(name);
    else {
      const fitting = candidates.filter(({ fact }) => applies(fact.types, name));
      groups.set(signature, { types: [name], candidates: fitting });
    }
  }
  return [...groups.values()];
}

/** So many conditions are decided beyond those of the operation before a field counts as missing. */
const MAX_DECIDED = 12;

function missingOfGroup(asked: Asked, key: string, needed: Fact, group: Group): Missing | null {
  const { under, path } = asked;
  const [type = ''] = group.types;
  const what = needed.what ?? key;
  const other = group.candidates.find(({ fact }) => isOther(key, fact, what));
  if (other) return { path: [...path, key], type, what, instead: other.fact.what };
  const sure = group.candidates.filter((one) => implies(under, one.under));
  const found = missingIn(asked, key, needed, sure, type);
  if (!found) return null;
  // What is known in each of several cases is known.
  const open = group.candidates.flatMap((one) => one.under).find((literal) => !under.includes(literal));
  if (open === undefined || under.length >= MAX_DECIDED) return found;
  for (const literal of [open, opposite(open)]) {
    const decided = both(under, [literal]);
    const inCase =
      decided && missingOf({ ...asked, types: new Set(group.types), under: decided }, key, needed);
    if (inCase) return inCase;
  }
  return null;
}

const isOther = (key: string, { what }: Fact, wanted: string) =>
  key !== TYPE_NAME && what !== null && what !== wanted;

function missingIn(
  asked: Asked,
  key: string,
  needed: Fact,
  sure: readonly Candidate[],
  type: string,
): Missing | null {
  const path = [...asked.path, key];
  const real = sure.filter(({ fact }) => fact.what === needed.what);
  if (real.length === 0) return { path, type, what: needed.what ?? key, instead: null };
  if (!needed.inner) return null;
  const types = new Set(real.flatMap(({ fact }) => [...(fact.returns ?? [])]));
  const sources = sure.flatMap(({ fact, under }) => (fact.inner ? [{ known: fact.inner, under }] : []));
  return findMissing({ needed: needed.inner, types, sources, under: asked.under, path });
}
