import { isInterfaceType, isObjectType, type Field, type Schema } from '@apollo/federation-internals';
import type { Edge, QueryGraph, Vertex } from '@apollo/query-graphs';

/** Counts, by field, of the vertex that they begin at. */
const counted = new WeakMap<Vertex, Map<string, number>>();

/**
 * How many combinations the planner makes of the subgraphs that it may fetch a field from, for the objects of each type of an interface; 1 where it does
 * not look at types.
 */
export function combinationsOf(schema: Schema, graph: QueryGraph, from: Vertex, field: Field): number {
  const counts = counted.get(from) ?? new Map<string, number>();
  counted.set(from, counts);
  const known = counts.get(field.name);
  if (known !== undefined) return known;
  const type = schema.type(from.type.name);
  const isDirect = field.isLeafField() && resolves(graph, from, field.name);
  const objects = type && isInterfaceType(type) && !isDirect ? type.possibleRuntimeTypes() : [];
  const count = objects.reduce(
    (product, { name }) => product * choicesOf(schema, graph, from, field, name),
    1,
  );
  counts.set(field.name, count);
  return count;
}

/** Subgraphs that objects of one type may be asked in: the one where they are, and those that find them by a key. */
function choicesOf(schema: Schema, graph: QueryGraph, from: Vertex, field: Field, name: string): number {
  const type = schema.type(name);
  const names = type && isObjectType(type) ? [name, ...type.interfaces().map((one) => one.name)] : [];
  const vertices = names.flatMap((one) => graph.verticesForType(one));
  const found = new Set(vertices.flatMap((one) => keysOf(graph, one).map(({ tail }) => tail)));
  const able = vertices.filter(
    (one) =>
      isObjectType(one.type) &&
      (one.source === from.source || found.has(one)) &&
      resolves(graph, one, field.name),
  );
  const sources = new Set(able.map(({ source }) => source));
  return field.isLeafField() && sources.has(from.source) ? 1 : Math.max(1, sources.size);
}

/** Ways by a key into other subgraphs. */
export const keysOf = (graph: QueryGraph, vertex: Vertex): readonly Edge[] =>
  graph.outEdges(vertex).filter(({ transition }) => transition.kind === 'KeyResolution');

const resolves = (graph: QueryGraph, vertex: Vertex, field: string): boolean =>
  graph
    .outEdges(vertex)
    .some(({ transition }) => transition.kind === 'FieldCollection' && transition.definition.name === field);
