import { CodedError } from '#platform/errors.ts';
import { closeSpread } from './closing.ts';
import { StreamedAnswer, type StreamedAnswerOptions, type StreamedOperation } from './streamed-answer.ts';

/** Operations whose results are sent one by one in a response of their own that stays open: as server-sent events, or as parts. */
export interface EventStreams {
  /** Resolves when the stream is over. Refusals travel in the stream, since EventSource hides other answers, and would not ask again. */
  serve(operation: StreamedOperation): Promise<void>;
  /** Ends the streams of a session, telling its client why. */
  endSession(sessionId: string): void;
  /**
   * Ends every subscription, now and from now on, in a way that its client does not take for the end of its events; those that there are
   * spread over `spreadMs`. Queries and mutations are answered.
   */
  close(spreadMs: number): Promise<void>;
}

export function createEventStreams(options: StreamedAnswerOptions): EventStreams {
  const open = new Set<StreamedAnswer>();
  let isClosing = false;
  return {
    async serve(operation) {
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
    close(spreadMs) {
      isClosing = true;
      const live = [...open].filter(({ isLive }) => isLive);
      return closeSpread(live, spreadMs, (stream) => stream.leave());
    },
  };
}
