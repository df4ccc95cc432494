import { z } from 'zod';
import { SUITES } from './srtp.ts';

/** What the processes of the load are told. */

export const listenersOrder = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('open'), sockets: z.number() }),
  z.object({
    kind: z.literal('add'),
    listeners: z.array(
      z.object({
        ssrc: z.number(),
        /** Of those that decrypt what they get. */
        key: z.object({ suite: z.enum(SUITES), keyBase64: z.string() }).nullable(),
      }),
    ),
  }),
  z.object({ kind: z.literal('reset') }),
  z.object({ kind: z.literal('report') }),
]);
export type ListenersOrder = z.infer<typeof listenersOrder>;

export const speakerOrder = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('speak'), port: z.number(), ssrc: z.number(), packets: z.number() }),
  z.object({ kind: z.literal('stop') }),
]);
export type SpeakerOrder = z.infer<typeof speakerOrder>;

export const joinersOrder = z.discriminatedUnion('kind', [
  /** Authenticates and joins, at each of the servers in turn. */
  z.object({
    kind: z.literal('enter'),
    urls: z.array(z.string()),
    liveRoomId: z.string(),
    count: z.number(),
  }),
  /** What all who have entered have been told since it was asked last. */
  z.object({ kind: z.literal('told') }),
  /** All who have entered ask for what they need to hear that producer, at the same moment. */
  z.object({ kind: z.literal('receive'), producerId: z.string() }),
]);
export type JoinersOrder = z.infer<typeof joinersOrder>;

export const crowdOrder = z.discriminatedUnion('kind', [
  /** Everybody enters. */
  z.object({
    kind: z.literal('open'),
    /** Of the media server's WebSocket. */
    url: z.string(),
    /** Where the media server takes the stream subgraph's orders. */
    ordersUrl: z.string(),
    seed: z.number(),
    rooms: z.number(),
    speakers: z.number(),
    listeners: z.number(),
    /** Sound for speakers to send, each packet base64; null for packets that say when they were sent. */
    sound: z.array(z.string()).nullable(),
  }),
  /** From now on people come and go. */
  z.object({ kind: z.literal('live') }),
  z.object({ kind: z.literal('report') }),
  /** Everybody goes. */
  z.object({ kind: z.literal('empty') }),
]);
export type CrowdOrder = z.infer<typeof crowdOrder>;

export const serverOrder = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('start'),
    workerCount: z.number(),
    maxConsumersPerRouter: z.number().optional(),
  }),
  /** What its workers hold now. */
  z.object({ kind: z.literal('census') }),
  /** Collects garbage, and tells what memory is used all the same. */
  z.object({ kind: z.literal('collect') }),
]);
export type ServerOrder = z.infer<typeof serverOrder>;
