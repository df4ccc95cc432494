/** A recorder in a process of its own, to be killed: two speakers in a room, recorded until then. Says what it has sent, line by line. */
import { startRecordingKit } from './recording-kit.ts';

const [workerBin = '', folder = '', recordingId = ''] = process.argv.slice(2);
const kit = await startRecordingKit({ workerBin, ffmpeg: { missing: 'not needed' }, folder });
await kit.start('PER_SPEAKER', recordingId);
const startedMs = performance.now();
const speakers = [await kit.stage.speaker('lpt_ada'), await kit.stage.speaker('lpt_ben')];
process.once('disconnect', () => process.exit(0));
for (;;) {
  await Promise.all(speakers.map((speaker) => speaker.speak(100)));
  process.send?.({ recordedMs: performance.now() - startedMs });
}
