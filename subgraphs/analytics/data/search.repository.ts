import type { Em } from '#platform/database.ts';
import { textArray } from '#platform/text-array.ts';
import type { SearchDocument, SearchHit, SearchKind } from '../domain/search-document.ts';
import { normaliseText, toTsquery, type SearchTerms } from '../domain/search-text.ts';

/** Puts the document in place of an older one. */
export async function saveDocument(em: Em, document: SearchDocument): Promise<void> {
  const { kind, id, title, body, ownerId, names, tags, listed, seq } = document;
  const texts = [[title, ...names].join(' '), tags.join(' '), body ?? ''].map(normaliseText);
  await em.execute(
    `insert into search_document as d (kind, id, title, body, owner_id, names, words, content, listed, seq)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     on conflict (id) do update set title = excluded.title, body = excluded.body, owner_id = coalesce(excluded.owner_id, d.owner_id),
       names = excluded.names, words = excluded.words, content = excluded.content, listed = excluded.listed, seq = excluded.seq
     where d.seq < excluded.seq`,
    [kind, id, title, body, ownerId, ...texts, listed, seq],
    'run',
  );
}

export interface SearchQuery {
  readonly terms: SearchTerms;
  /** Empty: all. */
  readonly kinds: readonly SearchKind[];
  /** Score and id to start behind. */
  readonly after: readonly [number, string] | null;
  readonly limit: number;
}

// Below PostgreSQL's own 0.6, which does not forgive two letters that changed places in a word of six.
const SIMILARITY = "set local pg_trgm.word_similarity_threshold = '0.45'";

// Ranking costs some 40 µs for each candidate. Where a vague query fits more than this, exact names and the popular are ranked.
const MAX_CANDIDATES = 5_000;

// How well the words fit, then how much the names resemble the whole query. Popularity decides between equals: it counts by powers of two, so
// a page's order seldom changes under its reader.
const SEARCH = `with candidate as (
    select d.id, greatest(coalesce(t.value, 0), 0) as popularity
    from search_document d left join subject_total t on t.subject_id = d.id
    where d.listed and (d.document @@ to_tsquery('simple', ?) or d.names %> ?) and (?::boolean or d.kind = any(?::text[]))
    order by (d.names = ?) desc, coalesce(t.value, 0) desc, d.id desc limit ${MAX_CANDIDATES}
  ), hit as (
    select d.id, d.kind, d.title, d.body, (
        ts_rank(d.document, q.query, 32) + word_similarity(q.text, d.names) + similarity(q.text, d.names) / 2
        + floor(log(2, 1 + c.popularity)) / 100
      )::numeric(12, 6) as score
    from (select to_tsquery('simple', ?) as query, ?::text as text) q, candidate c join search_document d on d.id = c.id
  ) select id, kind, title, body, score::float8 as score from hit
  where ?::boolean or (score, id) < (?::numeric, ?::text)
  order by score desc, id desc limit ?`;

/** Best first; at most `limit`. */
export async function findDocuments(em: Em, query: SearchQuery): Promise<SearchHit[]> {
  const { terms, kinds, after, limit } = query;
  const words = toTsquery(terms);
  const [score, id] = after ?? [0, ''];
  const all = kinds.length === 0;
  const given = [words, terms.text, all, textArray(kinds), terms.text, words, terms.text];
  return em.transactional(async (tx) => {
    await tx.execute(SIMILARITY);
    return tx.execute<SearchHit[]>(SEARCH, [...given, after === null, score, id, limit]);
  });
}

/** Titles with words like those, the most popular first. */
export async function findTitles(em: Em, terms: SearchTerms, limit: number): Promise<string[]> {
  const rows = await em.execute<{ title: string }[]>(
    `select d.title from search_document d left join subject_total t on t.subject_id = d.id
     where d.listed and d.document @@ to_tsquery('simple', ?)
     group by d.title order by max(coalesce(t.value, 0)) desc, d.title limit ?`,
    [toTsquery(terms, 'A'), limit],
  );
  return rows.map(({ title }) => title);
}
