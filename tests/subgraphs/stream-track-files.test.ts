import assert from 'node:assert/strict';
import { it } from 'node:test';
import { must, newUser, publish, startStream } from './stream-kit.ts';

it('the audio of a track stays for as long as the track does; the rest of what was uploaded goes', async () => {
  let nowMs = Date.now();
  const stream = await startStream({ now: () => new Date(nowMs) });
  const { database, files } = stream.open.foundation;
  const keyOf = async (id: string) => {
    const [row] = await database
      .fork()
      .execute<{ key: string }[]>('select audio_key as key from track where id = ?', [id]);
    return row?.key ?? '';
  };
  const isStored = async (key: string) => {
    const content = await files.read(key).catch(() => null);
    content?.destroy();
    return content !== null;
  };
  const artist = newUser();
  const [kept, deleted] = [await publish(stream, artist), await publish(stream, artist)];
  const [keptKey, deletedKey] = [await keyOf(kept.id), await keyOf(deleted.id)];
  await must(stream, artist, 'deleteTrack', { id: deleted.id });
  assert.deepEqual([await isStored(keptKey), await isStored(deletedKey)], [true, false]);
  nowMs += 26 * 3_600_000;
  await stream.open.purge.purgeDue();
  assert.ok(await isStored(keptKey));
  assert.deepEqual(await database.fork().execute('select * from unclaimed_file'), []);
  await stream.close();
});
