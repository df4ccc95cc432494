import { GraphQLError, Kind, type DocumentNode } from 'graphql';
import { fragmentsOf } from '../subscription-rules.ts';
import { defersOf } from './resolve-defers.ts';

/** What GraphQL's proposal for incremental delivery asks of `@defer`, and graphql-js 16 does not check: labels are literal and unique. */
export function deferErrors(document: DocumentNode): GraphQLError[] {
  const fragments = fragmentsOf(document);
  const seen = new Set<string>();
  const refused: GraphQLError[] = [];
  const check = (directive: ReturnType<typeof defersOf>[number]) => {
    const label = directive.arguments?.find(({ name }) => name.value === 'label')?.value;
    if (label === undefined || label.kind === Kind.NULL) return;
    if (label.kind !== Kind.STRING) refused.push(refusal('The label of @defer must be a literal string.'));
    else if (seen.has(label.value)) refused.push(refusal(`Several @defer have the label "${label.value}".`));
    else seen.add(label.value);
  };
  const operations = document.definitions.filter(({ kind }) => kind === Kind.OPERATION_DEFINITION);
  const shared = new Map(fragments);
  for (const operation of operations) {
    if (operation.kind !== Kind.OPERATION_DEFINITION) continue;
    defersOf({ operation, fragments: shared }).forEach(check);
    // Fragments belong to the document: they are looked at once.
    shared.clear();
  }
  return refused;
}

const refusal = (message: string) =>
  new GraphQLError(message, { extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } });
