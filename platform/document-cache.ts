import {
  GraphQLError,
  parse,
  specifiedRules,
  validate,
  type DocumentNode,
  type GraphQLSchema,
} from 'graphql';

export type CheckedDocument =
  { readonly document: DocumentNode } | { readonly errors: readonly GraphQLError[] };

const MAX_DOCUMENTS = 1_000;
/** Of all texts together. A parsed document takes up to a hundred times the memory of its text. */
const MAX_CHARS = 1_000_000;
const MAX_TOKENS = 15_000;

/**
 * Parses and validates each query text once. Holds the last ones that were valid, so that a client can neither fill memory with variants
 * nor push out what others use with nonsense.
 */
export function createDocumentCache(schema: GraphQLSchema): (query: string) => CheckedDocument {
  const documents = new Map<string, CheckedDocument>();
  let chars = 0;
  const forget = (query: string) => {
    if (documents.delete(query)) chars -= query.length;
  };
  const remember = (query: string, checked: CheckedDocument) => {
    documents.set(query, checked);
    chars += query.length;
    for (const oldest of documents.keys()) {
      if (documents.size <= MAX_DOCUMENTS && chars <= MAX_CHARS) break;
      forget(oldest);
    }
  };
  return (query) => {
    const checked = documents.get(query) ?? check(schema, query);
    forget(query);
    if ('document' in checked) remember(query, checked);
    return checked;
  };
}

function check(schema: GraphQLSchema, query: string): CheckedDocument {
  try {
    const document = parse(query, { maxTokens: MAX_TOKENS });
    const errors = validate(schema, document, specifiedRules);
    return errors.length === 0
      ? { document }
      : { errors: errors.map((error) => coded(error, 'GRAPHQL_VALIDATION_FAILED')) };
  } catch (error) {
    if (error instanceof GraphQLError) return { errors: [coded(error, 'GRAPHQL_PARSE_FAILED')] };
    // The parser and some rules recurse: what is nested too deeply ends the stack, not the process.
    if (error instanceof RangeError) return { errors: [tooDeep()] };
    throw error;
  }
}

const tooDeep = () =>
  new GraphQLError('The document is nested too deeply.', { extensions: { code: 'GRAPHQL_PARSE_FAILED' } });

const coded = (error: GraphQLError, code: string) =>
  new GraphQLError(error.message, {
    nodes: error.nodes,
    source: error.source,
    positions: error.positions,
    extensions: { code },
  });
