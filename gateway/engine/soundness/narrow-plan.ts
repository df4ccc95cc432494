import type { FetchNode, PlanNode, SubscriptionNode } from '@apollo/query-planner';
import { Kind, type OperationDefinitionNode, type SelectionSetNode } from 'graphql';
import type { ResponsePath } from '../plan/execution.ts';
import { inOrderOfContexts } from '../plan/context-order.ts';
import { fetchesOf } from '../plan/fetches-of.ts';
import { servesSeveralCases, type PartOfFetch } from '../plan/several-cases.ts';
import { withSelection } from '../required/fetch-text.ts';
import { joined } from '../required/restore-plan.ts';
import { publicName } from '../private-names.ts';
import { inspect } from './check-plan.ts';
import { ALWAYS, both, opposite, type Conditions } from './conditions.ts';
import { everybodyOf, type MendableSupergraph } from './divide-early.ts';
import { setOf } from './early-fields.ts';
import { sentOf } from './inputs.ts';
import { silentInspection, type Inspection } from './inspection.ts';
import { addAll, type Known, type Source } from './known.ts';
import { entitySelections } from './joint-fetches.ts';
import { contextsBelow } from './moved-rewrites.ts';
import { spreadOut, withConditions, without } from './narrow-selection.ts';
import { inEntities } from './own-fetch.ts';
import { textOfFetch } from './read-fetch.ts';
import { readOperation, type NamedOperation } from './read-operation.ts';
import { TYPE_NAME } from './signature.ts';
import type { SubgraphRules } from './subgraph-rules.ts';
import { interfacesOf, surplusOf } from './surplus.ts';
import { variantsAt, type Variant } from './variants.ts';
import { want } from './want.ts';

type Plan = PlanNode | SubscriptionNode;

/** A plan that is narrowed from its end on: what its last fetches need is known by then. */
interface Narrowing {
  readonly inspection: Inspection;
  readonly everybody: readonly SubgraphRules[];
  /** Name of the operation's root type. */
  readonly root: string;
  readonly known: readonly Source[];
  /** What the operation asks for, and what fetches need that come later. Grows. */
  readonly wanted: Known;
  /** When what is looked at runs. */
  readonly under: Conditions;
}

/**
 * The plan with several fetches in place of one, where that asks objects for what only others are wanted for: of another type, or below objects of
 * another type. The planner asks all objects at a path for all that is wanted of any of them, and of an interface that a subgraph knows as an object
 * for what is wanted of any of its types. Where the subgraph fails at a field that is not nullable, the null would take along what was asked for.
 * The very plan that was given where it asks for nothing else than is wanted.
 */
export function narrowPlan(supergraph: MendableSupergraph, operation: NamedOperation, plan: Plan): Plan {
  const inspection = silentInspection(supergraph);
  const wanted = readOperation(inspection, operation, true);
  const given = plan.kind === 'Subscription' ? plan.rest : plan;
  if (!given || !mayDiffer(wanted, given)) return plan;
  const root = inspection.schema.getRootType(operation.ast.operation.operation)?.name ?? '';
  const { known, deferred } = inspect(inspection, root, plan);
  for (const later of deferred) addAll(known, later);
  const everybody = everybodyOf(supergraph);
  const sources = [{ known, under: ALWAYS }];
  const narrowed = narrowNode(
    { inspection, everybody, root, known: sources, wanted, under: ALWAYS },
    given,
    [],
  );
  const fetches = new Set(fetchesOf(given));
  if (fetchesOf(narrowed).every((fetch) => fetches.has(fetch))) return plan;
  return plan.kind === 'Subscription' ? { ...plan, rest: narrowed } : narrowed;
}

/** Whether objects of one path can be wanted for different things: saves most plans the look. */
const mayDiffer = (wanted: Known, plan: PlanNode): boolean =>
  fetchesOf(plan).some(({ requires }) => requires?.length) &&
  (isByType(wanted) || fetchesOf(plan).some(({ inputRewrites }) => inputRewrites?.length));

const isByType = (known: Known): boolean =>
  [...known.values()].some((facts) =>
    facts.some(({ types, inner }) => types !== null || (inner !== null && isByType(inner))),
  );

/** With the path at every fetch. */
function narrowNode(narrowing: Narrowing, node: PlanNode, path: ResponsePath): PlanNode {
  const narrow = (child: PlanNode) => narrowNode(narrowing, child, path);
  switch (node.kind) {
    case 'Fetch':
      return narrowFetch(narrowing, node, path);
    case 'Flatten':
      return narrowNode(narrowing, node.node, [...path, ...node.path]);
    case 'Parallel':
    case 'Sequence': {
      const groups = node.kind === 'Parallel' ? inOrderOfContexts(node.nodes) : [node.nodes];
      return { ...node, nodes: groups.flat().toReversed().map(narrow).toReversed() };
    }
    case 'Condition': {
      const { ifClause, elseClause } = node;
      const variable = publicName(node.condition);
      const inCase = (literal: string, child: PlanNode | undefined) => {
        const under = both(narrowing.under, [literal]) ?? narrowing.under;
        return child && narrowNode({ ...narrowing, under }, child, path);
      };
      return {
        ...node,
        ifClause: inCase(variable, ifClause),
        elseClause: inCase(opposite(variable), elseClause),
      };
    }
    case 'Defer': {
      const inPart = <P extends { node?: PlanNode }>(part: P) => ({
        ...part,
        node: part.node && narrow(part.node),
      });
      const deferred = node.deferred.map(inPart);
      return { ...node, primary: inPart(node.primary), deferred };
    }
  }
}

/** Each is a fetch: past this many all objects are asked for everything. */
const MAX_VARIANTS = 32;

/** A fetch that takes the place of one, or of a part of it. */
interface Part {
  readonly fetch: FetchNode;
  readonly path: ResponsePath;
  /** To the objects that it is there for, where others at the path have nothing that it could be about. */
  readonly narrowed: ResponsePath;
}

function narrowFetch(narrowing: Narrowing, fetch: FetchNode, path: ResponsePath): PlanNode {
  const parts = partsOf(narrowing, fetch, path);
  for (const part of parts) want(narrowing.inspection, narrowing.wanted, part.fetch, part.narrowed);
  return joined(
    parts.map((part) => part.fetch),
    (one, index) => {
      const to = parts[index]?.path ?? [];
      return to.length === 0 ? one : { kind: 'Flatten', path: [...to], node: one };
    },
  );
}

function partsOf(narrowing: Narrowing, fetch: FetchNode, path: ResponsePath): readonly Part[] {
  const whole = [{ fetch, path, narrowed: path }];
  const text = fetch.requires?.length ? textOfFetch(fetch) : null;
  if (!text) return whole;
  const selection = spreadOut(text.operation.selectionSet, text.fragments);
  const variants = variantsOf(narrowing, fetch, selection, path);
  const [only] = variants;
  if (variants.length === 1 && only && !isConditional(only)) return [{ fetch, path, narrowed: only.path }];
  if (variants.length > MAX_VARIANTS) return whole;
  const parts = variants.flatMap(({ path: to, surplus }) => {
    const left = surplus && inEntities(selection, (set) => without(surplus, set));
    if (!left || !bringsAnything(narrowing.inspection, fetch, left)) return [];
    const operation = withConditions(text.operation, surplus);
    return [{ fetch: partOf(fetch, operation, left), path: to, narrowed: to }];
  });
  return parts.length > 0 ? parts : whole;
}

const isConditional = ({ surplus }: Variant): boolean =>
  surplus?.values().some((conditions) => conditions !== null) === true;

function variantsOf(
  { inspection, everybody, root, known, wanted, under }: Narrowing,
  fetch: FetchNode,
  selection: SelectionSetNode,
  path: ResponsePath,
): readonly Variant[] {
  const entities = setOf(selection.selections.flatMap(entitySelections));
  const comparison = { inspection, everybody, under, renames: fetch.outputRewrites };
  const looking = {
    inspection,
    asksFor: (type: string) =>
      sentOf(inspection, fetch.requires ?? [], type).some(({ key }) => key === TYPE_NAME),
    surplusOf: (type: string, sources: readonly Source[]) => surplusOf(comparison, entities, type, sources),
    untoldNames: (type: string) =>
      interfacesOf(inspection, type).filter((name) =>
        everybody.some((rules) => rules.type(name)?.isInterfaceObject),
      ),
  };
  const here = { types: new Set([root]), sources: known, wanted: [{ known: wanted, under: ALWAYS }] };
  return variantsAt(looking, here, path);
}

/** What a subgraph that knows an interface as an object says of types is nothing. */
function bringsAnything(inspection: Inspection, fetch: FetchNode, set: SelectionSetNode): boolean {
  const rules = inspection.rulesOf(fetch.serviceName);
  const saysNoType = fetch.inputRewrites?.some(
    (rewrite) => rewrite.kind === 'ValueSetter' && rules?.type(String(rewrite.setValueTo))?.isInterfaceObject,
  );
  const inSet = ({ selections }: SelectionSetNode): boolean =>
    selections.some((node) => {
      if (node.kind === Kind.INLINE_FRAGMENT) return inSet(node.selectionSet);
      return node.kind === Kind.FIELD && (node.name.value !== TYPE_NAME || !saysNoType);
    });
  return inSet(setOf(set.selections.flatMap(entitySelections)));
}

function partOf(fetch: FetchNode, operation: OperationDefinitionNode, left: SelectionSetNode): PartOfFetch {
  const text = withSelection(operation, left);
  return {
    ...fetch,
    ...text,
    contextRewrites: contextsBelow(fetch.contextRewrites, [], text.variableUsages),
    // A part may have no condition left, and what it requires may still be there under that of another part only.
    servesSeveralCases: servesSeveralCases(fetch),
  };
}
