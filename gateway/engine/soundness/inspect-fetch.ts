import type { FetchNode } from '@apollo/query-planner';
import { Kind, type SelectionSetNode } from 'graphql';
import type { ResponsePath } from '../plan/execution.ts';
import { FRAGMENT_PREFIX } from '../plan/type-sets.ts';
import type { Conditions } from './conditions.ts';
import { createContexts } from './contexts.ts';
import { createGate } from './entity-gate.ts';
import type { Inspection } from './inspection.ts';
import { addAll, addFact, type Known, type Source } from './known.ts';
import { placeAt, positionsAt } from './positions.ts';
import { readSelection, textOfFetch, type Reading, type Target } from './read-fetch.ts';

/** Where a node of a plan stands: what has been fetched by then, at which path, and when the node runs at all. */
export interface Stand {
  readonly inspection: Inspection;
  /** Name of the operation's root type. */
  readonly root: string;
  readonly sources: readonly Source[];
  readonly path: ResponsePath;
  readonly under: Conditions;
}

/** What a fetch brings, from the root. */
export function inspectFetch(stand: Stand, node: FetchNode): Known {
  const { inspection, path, under: conditions } = stand;
  const known: Known = new Map();
  const rules = inspection.rulesOf(node.serviceName);
  const text = textOfFetch(node);
  if (!rules || !text) {
    inspection.refuse(rules ? 'a fetch holds no operation' : `there is no subgraph ${node.serviceName}`);
    return known;
  }
  const positions = positionsAt(inspection, stand.root, stand.sources, path);
  const whenInContext = createContexts(inspection, positions, node.contextRewrites ?? []);
  const reading = { inspection, rules, fragments: text.fragments, whenInContext };
  const { selectionSet } = text.operation;
  const place = placeAt(inspection, known, path);
  const found: Known = new Map();
  const target = { known: found, types: place.types, conditions };
  const entities = positions.at(-1);
  if (node.requires?.length && entities) {
    const gate = createGate({ inspection, rules, node: { ...node, requires: node.requires }, entities });
    readEntities(reading, selectionSet, { ...target, gate });
  } else readRoot(reading, node, selectionSet, { ...target, gate: null });
  for (const { path: to, ...rewrite } of node.outputRewrites ?? [])
    if (rewrite.kind === 'KeyRenamer') renameKey(found, to, rewrite.renameKeyTo);
  addAll(place.known, found);
  return known;
}

function readEntities(reading: Reading, set: SelectionSetNode, target: Target): void {
  const { inspection, rules } = reading;
  const type = rules.type('_Entity');
  if (!type) return inspection.refuse(`${rules.name} has no entities`);
  for (const node of set.selections)
    if (node.kind === Kind.FIELD && node.selectionSet)
      readSelection(reading, node.selectionSet, { type, within: type.own, provided: [] }, target);
}

function readRoot(reading: Reading, node: FetchNode, set: SelectionSetNode, target: Target): void {
  const { inspection, rules } = reading;
  const type = rules.type(rules.rootName(node.operationKind) ?? '');
  if (!type) return inspection.refuse(`${rules.name} has no ${node.operationKind}`);
  readSelection(reading, set, { type, within: type.own, provided: [] }, target);
}

/** The planner gives fields whose types differ between objects a name of their own, and back. */
function renameKey(known: Known, path: readonly string[], to: string): void {
  const [key, ...rest] = path.filter((part) => !part.startsWith(FRAGMENT_PREFIX));
  if (key === undefined) return;
  const facts = known.get(key) ?? [];
  if (rest.length > 0) {
    for (const { inner } of facts) if (inner) renameKey(inner, rest, to);
    return;
  }
  known.delete(key);
  for (const fact of facts) addFact(known, to, fact);
}
