import type { GraphQLSchema } from 'graphql';
import type { SubgraphRules } from './subgraph-rules.ts';
import type { TypeSets } from './type-names.ts';

/** What the check of one plan is done with, and what it has found. */
export interface Inspection {
  /** The full one. */
  readonly schema: GraphQLSchema;
  readonly types: TypeSets;
  readonly rulesOf: (subgraph: string) => SubgraphRules | undefined;
  readonly overrides: ReadonlyMap<string, boolean>;
  /** What must not be asked, whoever needs it. */
  readonly refuse: (problem: string) => void;
  /** Why a fetch does not bring something: a problem only where somebody needs it. */
  readonly doubt: (reason: string) => void;
}

/** What plans are checked against. */
export interface CheckedSupergraph {
  readonly fullSchema: GraphQLSchema;
  readonly types: TypeSets;
  readonly rulesOf: (subgraph: string) => SubgraphRules | undefined;
  /** Labels of progressive `@override` that hold. */
  readonly overrides: ReadonlyMap<string, boolean>;
}

const ignore = () => undefined;

/** One that nobody is told of. */
export const silentInspection = ({
  fullSchema: schema,
  types,
  rulesOf,
  overrides,
}: CheckedSupergraph): Inspection => ({
  ...{ schema, types, rulesOf, overrides },
  refuse: ignore,
  doubt: ignore,
});
