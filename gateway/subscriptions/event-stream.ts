import { CodedError } from '#platform/errors.ts';
import {
  goingAway,
  StreamedAnswer,
  type StreamedAnswerOptions,
  type StreamedOperation,
} from './streamed-answer.ts';

/** Operations whose results are sent one by one in a response of their own that stays open: as server-sent events, or as parts. */
export interface EventStreams {
  /**
   * Resolves when the stream is over. Refusals travel in the stream, since EventSource hides other answers; after `close` it rejects with
   * SERVICE_UNAVAILABLE.
   */
  serve(operation: StreamedOperation): Promise<void>;
  /** Ends the streams of a session, telling its client why. */
  endSession(sessionId: string): void;
  /** Takes no more, and ends every subscription in a way that its client does not take for the end of its events. */
  close(): void;
}

export function createEventStreams(options: StreamedAnswerOptions): EventStreams {
  const open = new Set<StreamedAnswer>();
  let isClosing = false;
  return {
    async serve(operation) {
      if (isClosing) throw goingAway();
      const stream = new StreamedAnswer(operation, options);
      open.add(stream);
      try {
        await stream.run(() => isClosing && stream.leave());
      } finally {
        open.delete(stream);
      }
    },
    endSession(sessionId) {
      for (const stream of open)
        if (stream.sessionId === sessionId)
          stream.end(new CodedError('UNAUTHENTICATED', 'The session was ended.'));
    },
    close() {
      isClosing = true;
      for (const stream of open) if (stream.isLive) stream.leave();
    },
  };
}
