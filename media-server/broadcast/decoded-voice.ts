import { spawn, type ChildProcess } from 'node:child_process';
import { oggHeaders, oggPage } from '../domain/ogg-opus.ts';
import { opusSamples } from '../domain/opus-packet.ts';
import { PCM_ARGS, PcmQueue } from '../domain/pcm.ts';
import { Timeline } from '../domain/timeline.ts';
import { receiveVoice } from '../recording/receiver.ts';
import type { Voice } from '../voices.ts';

/** A voice as sound. It ends with the voice. */
export interface DecodedVoice {
  readonly sound: PcmQueue;
  /** Decodes what has come. */
  flush(): void;
  close(): void;
}

const SERIAL = 1;
/** Takes the first page as all there is to know, and waits for nothing. */
const AT_ONCE = ['-fflags', 'nobuffer', '-probesize', '32', '-analyzeduration', '0'];

/** A process for each voice, because nothing here decodes Opus; one that dies costs its own voice. */
export function decodeVoice(ffmpeg: string, voice: Voice, now: () => number): DecodedVoice {
  const start = now();
  const timeline = new Timeline(start);
  const sound = new PcmQueue(start);
  const decoder = spawn(
    ffmpeg,
    [
      '-loglevel',
      'error',
      ...AT_ONCE,
      '-f',
      'ogg',
      '-i',
      'pipe:0',
      ...PCM_ARGS,
      '-flush_packets',
      '1',
      'pipe:1',
    ],
    { stdio: ['pipe', 'pipe', 'ignore'] },
  );
  ignoreDeath(decoder);
  decoder.stdout.on('data', (bytes: Buffer) => sound.push(bytes));
  decoder.stdin.write(oggHeaders(SERIAL));
  voice.producer.observer.on('resume', () => timeline.cut());
  const receiving = receiveVoice(voice, (packet) => timeline.push(packet, now())).catch(() => null);
  let sequence = 2;
  let granule = 0;
  return {
    sound,
    flush() {
      for (const packet of timeline.advance(now())) {
        granule += opusSamples(packet);
        decoder.stdin.write(oggPage({ serial: SERIAL, sequence: sequence++, granule, packets: [packet] }));
      }
    },
    close() {
      void receiving.then((receiver) => receiver?.close());
      decoder.kill('SIGKILL');
    },
  };
}

/** A process that dies, or that cannot be started, closes its pipes: whoever writes to them must not fail for it. */
export function ignoreDeath(child: ChildProcess): void {
  child.on('error', () => undefined);
  child.stdin?.on('error', () => undefined);
}
