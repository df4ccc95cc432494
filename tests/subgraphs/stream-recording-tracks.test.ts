import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { after, before, describe, it } from 'node:test';
import { newId } from '#platform/ids.ts';
import { toneWav } from '../support/wav.ts';
import { mixKey, newTake, reporter } from './recording-reports.ts';
import { until } from './result-streams.ts';
import { must, newUser, openLiveRoom, refusals, startStream, type Stream } from './stream-kit.ts';

const RECORDINGS = 'query ($id: ID!) { liveRoom(id: $id) { recordings { state files { id sizeBytes } } } }';

describe('finished recordings of live rooms', () => {
  let stream: Stream;
  let report: ReturnType<typeof reporter>;
  before(async () => {
    stream = await startStream();
    report = reporter(stream);
  });
  after(() => stream.close());

  const read = async (viewer: string, id: string) => (await stream.data(viewer, RECORDINGS, { id })).liveRoom;
  const becomes = (host: string, id: string, state: string) =>
    until(async () => (await read(host, id)).recordings[0]?.state === state);

  it('become tracks of their host', async () => {
    const host = newUser();
    const id = await openLiveRoom(stream, host);
    const { recording } = await must(stream, host, 'startRecording', { liveRoomId: id });
    const recordingId = String(recording.id);
    const input = { title: 'Live at home', genre: 'dub', clientMutationKey: 'publish-live-1' };
    const args = { recordingId, input };
    assert.deepEqual(await refusals(stream, host, 'publishRecording', args), ['ConflictError recordingId']);
    const take = newTake(id, recordingId);
    const bytes = toneWav({ seconds: 2 });
    const options = { contentType: 'audio/ogg', maxBytes: 1e9, field: 'file' };
    await stream.open.foundation.files.put(mixKey(take), Readable.from([bytes]), options);
    await report.begin(take);
    await must(stream, host, 'stopRecording', { liveRoomId: id });
    await report.finish(take);
    await becomes(host, id, 'READY');
    const { track } = await must(stream, host, 'publishRecording', args);
    assert.deepEqual(
      [track.title, track.durationMs, track.sizeBytes, track.artist.id],
      ['Live at home', 2_000, bytes.length, host],
    );
    assert.equal((await must(stream, host, 'publishRecording', args)).track.id, track.id);
    assert.deepEqual(await refusals(stream, newUser(), 'publishRecording', args), [
      'ForbiddenError recordingId',
    ]);
    /** One that a track cannot be made of. */
    const longFile = async () => {
      const again = newTake(id, recordingId);
      const own = { key: `${again.takeId}.ogg`, participantId: newId('LiveParticipant'), offsetMs: 0 };
      await report.finish(again, { files: [{ ...own, durationMs: 1, sizeBytes: 200 * 1024 ** 2 + 1 }] });
      const filesNow = async () => (await read(host, id)).recordings[0].files;
      await until(async () => (await filesNow()).length === 2);
      return (await filesNow()).find(({ sizeBytes }: { sizeBytes: number }) => sizeBytes > bytes.length).id;
    };
    const wrongFile = {
      recordingId,
      input: { ...input, fileId: 'rcf_x', clientMutationKey: 'publish-live-2' },
    };
    assert.deepEqual(await refusals(stream, host, 'publishRecording', wrongFile), [
      'NotFoundError input,fileId',
    ]);
    const long = { ...input, fileId: await longFile(), clientMutationKey: 'publish-live-3' };
    assert.deepEqual(await refusals(stream, host, 'publishRecording', { recordingId, input: long }), [
      'ValidationError input,fileId FILE_TOO_LARGE',
    ]);
    assert.deepEqual(await refusals(stream, host, 'publishRecording', { ...args, recordingId: 'rec_x' }), [
      'NotFoundError recordingId',
    ]);
  });
});
