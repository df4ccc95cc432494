import { z } from 'zod';
import { participantConnection } from './connection-quality.ts';
import { liveRole } from './live-role.ts';

/**
 * What the stream subgraph and media servers tell each other over the live bus. The live bus may lose messages, so
 * nothing here is the only copy: a grant carries role and mute again, and the heartbeat lets the receiver reconcile.
 */

/** People who fit into one live room: no room is announced for more, and media servers take as many unless told otherwise. */
export const MAX_LIVE_ROOM_PEOPLE = 1_000;

/** How long a lost connection can be resumed: to others its participant has not left before. */
export const RESUME_WINDOW_MS = 30_000;

/** Topic of orders to media servers. Every media server hears all of them and acts on the rooms that it hosts. */
export const MEDIA_CONTROL_TOPIC = 'media:control';

const participant = { liveRoomId: z.string(), participantId: z.string() };

/** What a recording leaves: one file of everything, or a file for each speaker, or both. */
export const recordingMode = z.enum(['MIX', 'PER_SPEAKER', 'BOTH']);
export type RecordingMode = z.infer<typeof recordingMode>;

const recording = { liveRoomId: z.string(), recordingId: z.string() };

export const mediaControl = z.discriminatedUnion('kind', [
  /** Applies at once: a participant who loses the right to speak loses its producers. */
  z.object({ kind: z.literal('setRole'), ...participant, role: liveRole }),
  /** Holds until the opposite is ordered: its owner cannot undo it. */
  z.object({ kind: z.literal('mute'), ...participant, muted: z.boolean() }),
  /** Disconnects it. Grants that were issued before this moment are refused from then on. */
  z.object({ kind: z.literal('remove'), ...participant, reason: z.enum(['CLIENT', 'REMOVED', 'BANNED']) }),
  z.object({ kind: z.literal('endRoom'), liveRoomId: z.string() }),
  /** Somebody may listen to the broadcast again: what is known of who may counts no more. */
  z.object({ kind: z.literal('recheckListeners'), liveRoomId: z.string() }),
  /** Records the room where it is open and not recorded already; sent again for as long as a heartbeat does not name the recording. */
  z.object({ kind: z.literal('startRecording'), ...recording, mode: recordingMode }),
  z.object({ kind: z.literal('stopRecording'), ...recording }),
]);
export type MediaControl = z.infer<typeof mediaControl>;
export type RecordingOrder = Extract<MediaControl, { recordingId: string }>;
export type ParticipantOrder = Extract<MediaControl, { participantId: string }>;

/** Topic on which a room's speakers are reported, at most five times a second and only while somebody is heard. */
export const speakersTopic = (liveRoomId: string): string => `live-room:${liveRoomId}:speakers`;

export const speakersReport = z.object({
  liveRoomId: z.string(),
  /** Who holds the floor, or null while nobody does. */
  dominant: z.string().nullable(),
  /** Loudest first; `level` is 0 (silence) to 1 (full scale), linear in dB. A participant that is missing is silent. */
  levels: z.array(z.object({ participantId: z.string(), level: z.number().min(0).max(1) })),
});
export type SpeakersReport = z.infer<typeof speakersReport>;

/** Of so many people a media server reports how well they are connected, so that what followers of the reports are told does not grow with the room. */
export const MAX_REPORTED_CONNECTIONS = 100;

/** Topic on which each media server tells how well people are connected to it, in one report of a room, at most every two seconds and only after a change. */
export const connectionsTopic = (liveRoomId: string): string => `live-room:${liveRoomId}:connections`;

export const connectionsReport = z.object({
  liveRoomId: z.string(),
  serverId: z.string(),
  /** Of everybody on that server whose connection was measured; of more than MAX_REPORTED_CONNECTIONS, those who may speak, and then the worst. */
  connections: z.array(participantConnection),
});
export type ConnectionsReport = z.infer<typeof connectionsReport>;

/** Where a media server answers, over HTTP, what it can do. */
export const MEDIA_ABILITIES_PATH = '/media/abilities';

export const mediaAbilities = z.object({
  /** Whether it can mix recordings and broadcasts: there is an ffmpeg. */
  canMix: z.boolean(),
});
export type MediaAbilities = z.infer<typeof mediaAbilities>;

/** Topic on which every media server says who is connected, every MEDIA_HEARTBEAT_MS, also while it is empty. */
export const MEDIA_HEARTBEAT_TOPIC = 'media:heartbeat';
export const MEDIA_HEARTBEAT_MS = 5_000;

export const mediaHeartbeat = z.object({
  /** New for every start of a media server, so a crashed one falls silent for good. */
  serverId: z.string(),
  /** False while the server has no media worker, or is about to stop: it takes nobody in. */
  available: z.boolean(),
  /** Where other processes and clients reach it; null for a server that is not one of several. */
  address: z.object({ internalUrl: z.url(), publicUrl: z.url() }).nullable().default(null),
  /** Share of what it is meant to carry that it carries now; 1 and more is too much. */
  load: z.number().min(0).default(0),
  rooms: z.array(
    z.object({
      liveRoomId: z.string(),
      participantIds: z.array(z.string()),
      /** Recordings of the room that this server writes now. */
      recordingIds: z.array(z.string()).default([]),
      /** Whether this server has all voices of the room, wherever they are connected: broadcasts are had of it. */
      watching: z.boolean().default(true),
      /** How well they are connected, of those of whom it was measured. */
      connections: z.array(participantConnection).default([]),
    }),
  ),
});
export type MediaHeartbeat = z.infer<typeof mediaHeartbeat>;

/** Topic on which a media server says that another one has ended without a word: nothing listens at its address, or another one does. */
export const MEDIA_GONE_TOPIC = 'media:gone';

export const mediaGone = z.object({ serverId: z.string() });
export type MediaGone = z.infer<typeof mediaGone>;

/** Why a recording lacks something, or all. */
export const RECORDING_PROBLEMS = [
  /** No space is left where recordings grow. */
  'STORAGE_FULL',
  /** Files could not be written. */
  'STORAGE_FAILED',
  /** There is no ffmpeg to mix with; the speakers' files are there. */
  'MIXER_MISSING',
  /** ffmpeg could not mix; the speakers' files are there. */
  'MIX_FAILED',
  /** The media server was killed, or its host lost power; what came in its last two seconds is lost. */
  'INTERRUPTED',
  /** Nobody spoke, or no media server took the recording up. */
  'NOTHING_RECORDED',
] as const;
export type RecordingProblem = (typeof RECORDING_PROBLEMS)[number];

/** `reason` of `media.participantDisconnected`. */
export const DISCONNECT_REASONS = [
  'CLIENT',
  'REMOVED',
  'BANNED',
  'CONNECTION_LOST',
  'ROOM_ENDED',
  'SERVER_SHUTDOWN',
] as const;
export type DisconnectReason = (typeof DISCONNECT_REASONS)[number];
