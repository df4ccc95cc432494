import type { DisconnectReason, SpeakersReport } from '#schema/media-bus.ts';
import type { Room } from './room.ts';
import type { Voice } from './voices.ts';

/** What a room tells the rest of the media server. */
export interface RoomOwner {
  readonly onConnected: (liveRoomId: string, participantId: string) => void;
  readonly onDisconnected: (liveRoomId: string, participantId: string, reason: DisconnectReason) => void;
  readonly onSpeakers: (report: SpeakersReport) => void;
  readonly onVoice: (liveRoomId: string, voice: Voice) => void;
  readonly onClosed: (liveRoomId: string) => void;
  /** The last peer has gone. */
  readonly onEmpty: (room: Room) => void;
}
