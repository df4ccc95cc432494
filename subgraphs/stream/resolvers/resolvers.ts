import { GraphQLUpload } from 'graphql-upload-ts';
import { DateTime, EventCursor, Json, Url } from '#platform/scalars.ts';
import type { Resolvers } from '../generated/resolvers.ts';
import {
  HandChanged,
  IceServer,
  LiveParticipant,
  LiveRoom,
  ParticipantChanged,
  ParticipantJoined,
} from './LiveRoom.ts';
import { Mutation } from './Mutation.ts';
import { Query } from './Query.ts';
import { Recording, RecordingChanged, RecordingFile } from './Recording.ts';
import { Subscription } from './Subscription.ts';
import { Track, TrackComment } from './Track.ts';
import { Room, User } from './User.ts';

export const resolvers: Resolvers = {
  Query,
  Mutation,
  Subscription,
  Track,
  TrackComment,
  User,
  Room,
  LiveRoom,
  LiveParticipant,
  IceServer,
  ParticipantJoined,
  ParticipantChanged,
  HandChanged,
  Recording,
  RecordingFile,
  RecordingChanged,
  DateTime,
  EventCursor,
  JSON: Json,
  URL: Url,
  Upload: GraphQLUpload,
};
