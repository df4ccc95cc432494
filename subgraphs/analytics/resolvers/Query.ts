import { TYPE_OF_KIND } from '../domain/search-document.ts';
import type { QueryResolvers, SearchResultResolvers } from '../generated/resolvers.ts';
import { search, suggest } from '../service/search.ts';

export const Query: QueryResolvers = {
  search: (_root, { query, filter, first, after }, { em }) =>
    search(em, query, filter?.kinds ?? [], { first, after }),
  suggest: (_root, { prefix, first }, { em }) => suggest(em, prefix, first),
  topTracks: (_root, { period, genre, first }, { directory }) =>
    directory.topTracks(period, genre ?? null, first),
};

export const SearchResult: SearchResultResolvers = {
  __resolveType: ({ kind }) => TYPE_OF_KIND[kind],
};
