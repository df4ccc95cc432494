import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RoomLevels } from '../../media-server/room-levels.ts';

/** Levels of a room, and who was told to hold the floor. */
function levelsOfRoom() {
  const told: (string | null)[] = [];
  const levels = new RoomLevels({
    tellAll: (event, data) => {
      if (event === 'activeSpeaker' && 'participantId' in data) told.push(data.participantId);
    },
    hintLevels: () => undefined,
  });
  const measure = (...participantIds: string[]) =>
    levels.onLevels(participantIds.map((participantId) => ({ participantId, level: 0.5 })));
  return { levels, told, measure };
}

describe('Who holds the floor of a live room', () => {
  it('has it again who goes on after all were silent, though nobody else prevailed meanwhile', () => {
    const { levels, told, measure } = levelsOfRoom();
    levels.onDominant('ada');
    measure('ada');
    measure();
    measure('ada');
    assert.deepEqual(told, ['ada', null, 'ada']);
  });

  it('keeps it over a short pause, and loses it to the loudest by a long one', () => {
    const { levels, told, measure } = levelsOfRoom();
    levels.onDominant('ada');
    measure('bob', 'cleo');
    measure('ada', 'bob');
    for (let n = 0; n < 3; n++) measure('bob', 'cleo');
    assert.deepEqual(told, ['ada']);
    measure('bob', 'cleo');
    measure('cleo', 'bob');
    assert.deepEqual(told, ['ada', 'bob']);
    measure('cleo', 'bob', 'ada');
    assert.deepEqual(told, ['ada', 'bob', 'ada']);
  });

  it('does not have it after having gone', () => {
    const { levels, told, measure } = levelsOfRoom();
    levels.onDominant('ada');
    levels.onGone('ada');
    measure('bob');
    assert.deepEqual(told, ['ada', null, 'bob']);
  });
});
