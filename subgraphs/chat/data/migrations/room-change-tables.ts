import { Migration } from '@mikro-orm/migrations';

/** What people's sidebars are told from: which rooms have changed, in one order for all of them. See room-change-sequencer.ts. */
export class RoomChangeTables extends Migration {
  override up(): void {
    this.addSql(`create table room_change_pending (
      id bigserial primary key,
      room_id text not null,
      user_id text)`);
    this.addSql(`create table room_change (
      room_id text primary key references room (id) on delete cascade,
      position bigint not null)`);
    // Outlives the room: its members are told that it is gone.
    this.addSql(`create table member_change (
      user_id text not null,
      room_id text not null,
      position bigint not null,
      primary key (user_id, room_id))`);
    this.addSql('create index member_change_in_order on member_change (user_id, position)');
    this.addSql(HEAD);
    // The random epoch tells positions of a database that was made anew from those of this one.
    this.addSql(`insert into room_change_head (epoch, last_position)
      values (1 + floor(random() * 2147483646)::integer, 0)`);
    this.addSql(NOTE_EVENTS);
    this.addSql(`create trigger note_room_events after insert on event_log
      referencing new table as added for each statement execute function note_room_events()`);
    this.addSql(NOTE_MEMBERS);
    this.addSql(`create trigger note_members_added after insert on room_member
      referencing new table as moved for each statement execute function note_members()`);
    this.addSql(`create trigger note_members_removed after delete on room_member
      referencing old table as moved for each statement execute function note_members()`);
  }
}

const HEAD = `create table room_change_head (
  only_one boolean primary key default true check (only_one),
  epoch integer not null,
  last_position bigint not null)`;

// Triggers, because many services write to rooms, and one that forgot this would leave sidebars stale for good. One row for each event, however
// many are in the room. `user_id`: whom alone it concerns.
const NOTE_EVENTS = `create function note_room_events() returns trigger language plpgsql as $body$
begin
  insert into room_change_pending (room_id, user_id)
  select payload ->> 'roomId',
    case when name in ('room.readMarkerMoved', 'room.memberRoleChanged') then payload ->> 'userId' end
  from added
  where stream like 'room:%' and name in ('room.readMarkerMoved', 'room.memberRoleChanged', 'room.updated',
    'message.created', 'message.edited', 'message.deleted');
  return null;
end
$body$`;

// Of the table and not of the log, which also tells of a ban of someone who was never in the room, and tells nothing of a room that is deleted.
const NOTE_MEMBERS = `create function note_members() returns trigger language plpgsql as $body$
begin
  insert into room_change_pending (room_id, user_id) select room_id, user_id from moved;
  return null;
end
$body$`;
