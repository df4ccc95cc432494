import type { PlanNode, SubscriptionNode } from '@apollo/query-planner';
import { isAbstractType, Kind, print } from 'graphql';
import {
  asIs,
  divideEarly,
  everybodyOf,
  fetchWithoutEarly,
  wantedOf,
  type Divided,
  type MendableSupergraph,
  type Wanted,
} from './divide-early.ts';
import { inSequence, sideBySide, stepsOf } from './in-phases.ts';
import { jointFetches } from './joint-fetches.ts';
import { inputsOf, ownFetch } from './own-fetch.ts';
import { createProgress, type Progress } from './progress.ts';
import { waysTo, type Way } from './ways-to-field.ts';

type Plan = PlanNode | SubscriptionNode;
type Steps = readonly (readonly PlanNode[])[];

/**
 * The plan with each field that requires something in a step of its own, as soon as that can be; what it needs and nobody fetches is fetched before.
 * The planner loses the order of a chain: where `c` requires `b`, and `b`, of the subgraph that the operation starts from, requires `a`, it asks for `b`
 * at once. Only what `isSound` does not do without is kept. Null where that does not help.
 */
export function inOwnSteps(
  supergraph: MendableSupergraph,
  root: string,
  plan: Plan,
  isSound: (plan: Plan) => boolean,
): Plan | null {
  const divided = divideEarly(supergraph, plan);
  const { primary } = divided;
  const planOf = (steps: Steps): Plan | null => {
    const nodes = steps.filter((step) => step.length > 0).map((step) => sideBySide([...step]));
    if (plan.kind !== 'Subscription') return inSequence(nodes);
    return primary ? { ...plan, primary, rest: nodes.length > 0 ? inSequence(nodes) : undefined } : null;
  };
  const isEnough = (steps: Steps) => {
    const made = planOf(steps);
    return made !== null && isSound(made);
  };
  const steps = stepsOfDivided(supergraph, createProgress(supergraph, root, primary), divided);
  return isEnough(steps) ? planOf(inFewFetches(steps, isEnough)) : null;
}

/** Each try is a check of the whole plan. */
const MAX_TRIES = 100;

/** The steps without what is not needed, and with joint fetches where these get the same. */
function inFewFetches(steps: Steps, isEnough: (steps: Steps) => boolean): Steps {
  let kept = steps;
  for (const node of steps.flat().toReversed().slice(0, MAX_TRIES)) {
    const others = kept.map((step) => step.filter((one) => one !== node));
    if (isEnough(others)) kept = others;
  }
  for (const step of kept.slice(0, MAX_TRIES)) {
    const joint = jointFetches(step);
    const others = kept.map((one) => (one === step ? joint : one));
    if (joint.length < step.length && isEnough(others)) kept = others;
  }
  return kept;
}

/** A field to be fetched, and the fetches of it that there may be. */
interface Goal extends Wanted {
  readonly ways: readonly Way[];
  readonly attempts: readonly Attempt[];
}

interface Attempt {
  readonly node: PlanNode;
  /** What the fetch leaves to others. */
  readonly left: readonly Wanted[];
}

/** What is required may require something itself; of objects that contain each other without end. */
const MAX_GOALS = 500;

function stepsOfDivided(
  supergraph: MendableSupergraph,
  progress: Progress,
  { rest, wanted }: Divided,
): Steps {
  const goal = (one: Wanted) => goalOf(supergraph, one);
  let goals = wanted.map(goal);
  let late: PlanNode[] = [];
  const asked = new Set<string>();
  const runReady = () => {
    for (;;) {
      const nodes = late.filter(progress.isReady);
      const met = new Map(
        goals.flatMap((one) => {
          const attempt = one.attempts.find(({ node }) => progress.isReady(node));
          return attempt ? [[one, attempt] as const] : [];
        }),
      );
      if (nodes.length + met.size === 0) return;
      late = late.filter((node) => !nodes.includes(node));
      goals = goals.filter((one) => !met.has(one));
      goals.push(...[...met.values()].flatMap(({ left }) => left.map(goal)));
      progress.run([...nodes, ...[...met.values()].map(({ node }) => node)]);
    }
  };
  const wantInputs = (): boolean => {
    const more = goals
      .flatMap((one) => [...ofEachType(supergraph, one), ...missingInputs(supergraph, progress, one)])
      .filter((one) => asked.size < MAX_GOALS && isFirst(asked, one));
    goals.push(...more.map(goal));
    return more.length > 0;
  };
  runReady();
  for (const step of rest ? stepsOf(rest) : []) {
    late.push(...nodesOf(step));
    runReady();
  }
  for (;;) {
    while (wantInputs()) runReady();
    const [next, ...others] = late;
    if (!next) return progress.steps;
    // What it lacks may be needed by nobody.
    late = others;
    progress.run([next]);
    runReady();
  }
}

function goalOf(supergraph: MendableSupergraph, wanted: Wanted): Goal {
  const { early, fetch, path, wrap } = wanted;
  const { fullSchema: schema, rulesOf, overrides, required } = supergraph;
  const rules = rulesOf(fetch.serviceName);
  const choice = { schema, rules, overrides, everybody: everybodyOf(supergraph) };
  const ways = waysTo(choice, early);
  const attempts = ways.flatMap((way): Attempt[] => {
    const own = ownFetch(required, fetch, early, way);
    const { left, taken } = fetchWithoutEarly(supergraph, own, early.field);
    if (!left) return [];
    return [
      {
        node: wrap({ kind: 'Flatten', path: [...path], node: left }),
        left: wantedOf(own, taken, path, wrap),
      },
    ];
  });
  return { ...wanted, ways, attempts };
}

/** What nobody has fetched yet of all that a goal could be met with. */
const missingInputs = (
  { required }: MendableSupergraph,
  progress: Progress,
  { early: { type, field }, fetch, path, ways }: Goal,
): Wanted[] =>
  ways
    .flatMap((way) => inputsOf(required, way, field))
    .flatMap((input) =>
      input.kind !== Kind.FIELD || progress.knows(path, type, input)
        ? []
        : [{ early: { path: [], type, field: input, conditions: [] }, fetch, path, wrap: asIs }],
    );

/** A field of an interface, of objects of each type: inputs may be there of some only. */
const ofEachType = (
  { fullSchema: schema }: MendableSupergraph,
  { early, fetch, path, wrap }: Goal,
): Wanted[] => {
  const type = schema.getType(early.type);
  const types = isAbstractType(type) ? schema.getPossibleTypes(type) : [];
  return types.map(({ name }) => ({ early: { ...early, type: name }, fetch, path, wrap }));
};

function isFirst(asked: Set<string>, { early: { type, field }, path, wrap }: Wanted): boolean {
  const name = [...path, type, print(field), JSON.stringify(wrap(NOTHING))].join(' ');
  return !asked.has(name) && asked.add(name).size > 0;
}

const NOTHING: PlanNode = { kind: 'Sequence', nodes: [] };

/** The nodes of one step, each of one fetch. */
function nodesOf(step: PlanNode): PlanNode[] {
  if (step.kind === 'Parallel') return step.nodes.flatMap(nodesOf);
  if (step.kind !== 'Condition') return [step];
  const { ifClause, elseClause, ...condition } = step;
  return [
    ...(ifClause ? nodesOf(ifClause) : []).map((node) => ({ ...condition, ifClause: node })),
    ...(elseClause ? nodesOf(elseClause) : []).map((node) => ({ ...condition, elseClause: node })),
  ];
}
