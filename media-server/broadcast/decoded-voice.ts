import { spawn, type ChildProcess, type ChildProcessByStdio } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { oggHeaders, oggPage } from '../domain/ogg-opus.ts';
import { OPUS_RATE_HZ, opusSamples } from '../domain/opus-packet.ts';
import { PCM_ARGS, PcmQueue } from '../domain/pcm.ts';
import { Timeline } from '../domain/timeline.ts';
import { receiveVoice } from '../recording/receiver.ts';
import type { Voice } from '../voices.ts';

/** A voice as sound, to its last word. */
export interface DecodedVoice {
  readonly sound: PcmQueue;
  /** Decodes what has come. */
  flush(): void;
  /** Where its sound ends; infinite while it goes on. */
  readonly endsAt: number;
  close(): void;
}

const SERIAL = 1;
/** Longer than a packet takes that was lost and is sent again; the rest of the mix's delay is for decoding. */
const HOLD_SAMPLES = OPUS_RATE_HZ / 5;
/** Takes the first page as all there is to know, and waits for nothing. */
const AT_ONCE = ['-fflags', 'nobuffer', '-probesize', '32', '-analyzeduration', '0'];
const FLUSHED = ['-flush_packets', '1'];

/** A process for each voice, because nothing here decodes Opus; one that dies costs its own voice. */
export function decodeVoice(ffmpeg: string, voice: Voice, now: () => number): DecodedVoice {
  const start = now();
  const timeline = new Timeline(start, HOLD_SAMPLES);
  const sound = new PcmQueue(start);
  const decoder = spawnDecoder(ffmpeg);
  decoder.stdout.on('data', (bytes: Buffer) => sound.push(bytes));
  decoder.stdin.write(oggHeaders(SERIAL));
  const receiving = receiveVoice(voice, (packet) => timeline.push(packet, now())).catch(() => null);
  let sequence = 2;
  let granule = 0;
  let endsAt = Number.POSITIVE_INFINITY;
  const decode = (packets: readonly Buffer[]) => {
    const pages = packets.map((packet) => {
      granule += opusSamples(packet);
      return oggPage({ serial: SERIAL, sequence: sequence++, granule, packets: [packet] });
    });
    if (pages.length > 0) decoder.stdin.write(Buffer.concat(pages));
  };
  const cut = () => timeline.cut();
  const finish = () => {
    endsAt = now();
    decode(timeline.finish(endsAt));
    decoder.stdin.end();
  };
  const { observer } = voice.producer;
  observer.on('resume', cut);
  observer.once('close', finish);
  return {
    sound,
    flush() {
      if (endsAt === Number.POSITIVE_INFINITY) decode(timeline.advance(now()));
    },
    get endsAt() {
      return endsAt;
    },
    close() {
      observer.off('resume', cut);
      observer.off('close', finish);
      void receiving.then((receiver) => receiver?.close());
      decoder.kill('SIGKILL');
    },
  };
}

function spawnDecoder(ffmpeg: string): ChildProcessByStdio<Writable, Readable, null> {
  const decoder = spawn(
    ffmpeg,
    ['-loglevel', 'error', ...AT_ONCE, '-f', 'ogg', '-i', 'pipe:0', ...PCM_ARGS, ...FLUSHED, 'pipe:1'],
    { stdio: ['pipe', 'pipe', 'ignore'] },
  );
  ignoreDeath(decoder);
  return decoder;
}

/** A process that dies, or that cannot be started, closes its pipes: whoever writes to them must not fail for it. */
export function ignoreDeath(child: ChildProcess): void {
  child.on('error', () => undefined);
  child.stdin?.on('error', () => undefined);
}
