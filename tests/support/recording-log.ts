import { Writable } from 'node:stream';
import { createLog, type Log } from '#platform/log.ts';

/** A log that a test can read. */
export interface RecordingLog {
  readonly log: Log;
  /** Everything that was logged, as JSON lines. */
  text(): string;
  /** Lines of one level. */
  count(level: string): number;
}

export function recordingLog(): RecordingLog {
  let text = '';
  const destination = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString();
      done();
    },
  });
  return {
    log: createLog('test', 'trace', destination),
    text: () => text,
    count: (level) => text.split(`"level":"${level}"`).length - 1,
  };
}
