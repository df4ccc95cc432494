import type { Em } from '#platform/database.ts';
import { invalid, Refusal, refuseIfAny } from '#platform/errors.ts';
import { parsePage, toConnection, type Connection, type PageArgs } from '#platform/paging.ts';
import { checkRange } from '#platform/rules.ts';
import { idKey, numberKey } from '#platform/sort-keys.ts';
import { findDocuments, findTitles } from '../data/search.repository.ts';
import { highlight } from '../domain/highlight.ts';
import {
  TYPE_OF_KIND,
  type SearchHit,
  type SearchKind,
  type SearchReference,
} from '../domain/search-document.ts';
import { parseTerms, type SearchTerms } from '../domain/search-text.ts';

export interface SearchEdge {
  readonly cursor: string;
  readonly node: SearchReference;
  readonly score: number;
  readonly highlight: string | null;
}

export interface SearchPage extends Omit<Connection<SearchReference>, 'edges'> {
  readonly edges: SearchEdge[];
}

const MAX_QUERY_CHARS = 200;
const MIN_TERMS_CHARS = 2;
const MAX_SUGGESTIONS = 20;

/** Best first. A query with fewer than two letters or digits finds nothing. */
export async function search(
  em: Em,
  query: string,
  kinds: readonly SearchKind[],
  args: PageArgs,
): Promise<SearchPage> {
  requireShort('query', query);
  const page = parsePage(args, { keys: [numberKey, idKey(...Object.values(TYPE_OF_KIND))] });
  const terms = parseTerms(query);
  const found = terms.text.length >= MIN_TERMS_CHARS;
  const hits = found
    ? await findDocuments(em, { terms, kinds, after: page.cursor, limit: page.limit + 1 })
    : [];
  return toSearchPage(
    toConnection(hits, page, ({ score, id }) => [score, id]),
    terms,
  );
}

/** Titles and names, the most popular first. */
export async function suggest(em: Em, prefix: string, first: number): Promise<string[]> {
  requireShort('prefix', prefix);
  refuseIfAny(checkRange('first', first, 1, MAX_SUGGESTIONS));
  const terms = parseTerms(prefix);
  return terms.words.length === 0 ? [] : findTitles(em, terms, first);
}

function requireShort(field: string, text: string): void {
  // Not checkText: control characters in a query are no danger, they are dropped with all that is neither letter nor digit.
  if ([...text].length > MAX_QUERY_CHARS)
    throw new Refusal(invalid(field, 'TOO_LONG', `At most ${MAX_QUERY_CHARS} characters are allowed.`));
}

function toSearchPage(connection: Connection<SearchHit>, terms: SearchTerms): SearchPage {
  const edges = connection.edges.map(({ cursor, node }) => ({
    cursor,
    node: { kind: node.kind, id: node.id },
    score: node.score,
    highlight: highlight([node.title, node.body], terms),
  }));
  return { edges, nodes: edges.map(({ node }) => node), pageInfo: connection.pageInfo };
}
