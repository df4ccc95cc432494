import { GraphQLUpload } from 'graphql-upload-ts';
import { DateTime, EventCursor, Json, Url } from '#platform/scalars.ts';
import type { Resolvers } from '../generated/resolvers.ts';
import { Mutation } from './Mutation.ts';
import { Query } from './Query.ts';
import { User } from './User.ts';
import { Session, TokenPair, Viewer } from './Viewer.ts';

export const resolvers: Resolvers = {
  Query,
  Mutation,
  User,
  Viewer,
  Session,
  TokenPair,
  DateTime,
  EventCursor,
  JSON: Json,
  URL: Url,
  Upload: GraphQLUpload,
};
