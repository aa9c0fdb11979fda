-- A room that another transaction has locked delays the messages of that room only. Runs again
-- without harm.
--
-- rooms.publish_batch gets one more parameter. The function of the first migration stays for isolates of
-- the release before, as long as an upgrade lasts.

create or replace function rooms.schema_version() returns int
language sql immutable set search_path = pg_catalog, pg_temp as $$ select 3 $$;

-- Makes the rooms that are not there yet, except those that another transaction is making right now.
create or replace function rooms.make_unlocked(p_rooms text[], p_channels text[], p_durable text[]) returns void
language plpgsql volatile set lock_timeout = '1ms' set search_path = pg_catalog, pg_temp as $$
declare
  v_name text;
begin
  for v_name in
    select named.name from unnest(p_rooms, p_channels) as named(name, channel)
    where named.channel = any (p_durable)
      and not exists (select from rooms.rooms r where r.channel = named.channel)
    order by named.channel
  loop
    begin
      perform rooms.make(array[v_name]);
    exception when lock_not_available then
      -- Its messages are left out.
    end;
  end loop;
end $$;

-- Stores and tells one durable message: what rooms.publish_batch does for many, in a third of the time.
-- Returns what it returns. A message that fits into a notification is told here, without the calls of rooms.tell.
create or replace function rooms.publish_one(
  p_room text, p_channel text, p_id text, p_event text, p_data text, p_user text, p_connection text,
  p_dedupe_ms bigint, p_skip_locked boolean
) returns text
-- Planned with the settings of rooms.publish_batch, which calls it.
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
declare
  v_key bytea := int8send(hashtextextended(p_id, hashtextextended(p_user, 0)));
  v_id bigint;
  v_epoch text;
  v_offset bigint;
  v_at bigint;
  v_known bigint;
  v_private text;
  v_has_old boolean;
  v_record text;
begin
  if p_skip_locked then
    perform rooms.make_unlocked(array[p_room], array[p_channel], array[p_channel]);
    select r.id, r.epoch, r.head + 1, r.last_at, 'r' || k.key || right(p_channel, 40), k.old_isolates_until > now()
    into v_id, v_epoch, v_offset, v_at, v_private, v_has_old
    from rooms.rooms r left join rooms.channel_key k on true
    where r.channel = p_channel for no key update of r skip locked;
    if not found then
      return 'l';
    end if;
  else
    loop
      select r.id, r.epoch, r.head + 1, r.last_at, 'r' || k.key || right(p_channel, 40), k.old_isolates_until > now()
      into v_id, v_epoch, v_offset, v_at, v_private, v_has_old
      from rooms.rooms r left join rooms.channel_key k on true
      where r.channel = p_channel for no key update of r;
      exit when found;
      perform rooms.make(array[p_room]);
    end loop;
  end if;
  -- Only the wait for the room has the short bound.
  perform set_config('lock_timeout', '0', true);
  v_at := greatest(v_at, rooms.now_ms());
  select m."offset" into v_known from rooms.messages m
  where m.room_id = v_id and m.key = v_key and m.id = p_id and m."user" = p_user and m.at > v_at - p_dedupe_ms limit 1;
  if found then
    return -v_known;
  end if;
  insert into rooms.messages (room_id, "offset", key, id, event, data, "user", connection, at)
  values (v_id, v_offset, v_key, p_id, p_event, p_data, p_user, p_connection, v_at);
  update rooms.rooms r set head = v_offset, last_at = v_at where r.id = v_id;
  v_record := concat_ws(
    e'\x1f', 'm', v_offset, v_at, p_id, p_event, p_user, coalesce('=' || p_connection, ''), p_data
  );
  if v_has_old or octet_length(v_record) > 7800 then
    perform rooms.tell(p_channel, v_epoch, array[v_record]);
  else
    perform pg_notify(v_private, v_epoch || e'\x1e' || v_record);
  end if;
  return v_offset;
end $$;

-- Stores and tells what one isolate published in one tick, room by room, in the order given: durable
-- messages, and records (p_passing) that are only told. p_places says for each to which of p_rooms it goes,
-- in rising order. p_channels are those of p_rooms, and p_durable those of them that durable messages are
-- for. No two durable messages are of the same room, sender and id.
--
-- Returns one offset each, separated by commas: negative for a message that had been stored before, 0 for a
-- record that is not stored. With p_skip_locked, 'l' stands for a durable message whose room another
-- transaction has locked, and which is not stored. Without, the call waits 100 ms for a locked room, and then
-- fails as a whole with 55P03 (lock_not_available).
create or replace function rooms.publish_batch(
  p_rooms text[],
  p_channels text[],
  p_durable text[],
  p_places int[],
  p_passing text[],
  p_ids text[],
  p_events text[],
  p_data text[],
  p_users text[],
  p_connections text[],
  p_dedupe_ms bigint,
  p_skip_locked boolean
) returns text
language plpgsql volatile
-- The plan is made once, maybe while the tables are empty: it must not be one for empty tables. Compiling
-- it takes longer than doing it.
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
-- Longest wait for a locked room. Ephemeral messages of the same batch wait too.
set lock_timeout = '100ms'
set search_path = pg_catalog, pg_temp
as $$
declare
  v_found text[];
  v_ids bigint[];
  v_epochs text[];
  v_heads bigint[];
  v_ats bigint[];
  v_now bigint;
  v_polls boolean;
  v_results text := '';
  v_room record;
  v_key text;
  v_has_old boolean;
  v_payload text;
begin
  if cardinality(p_places) = 1 and p_passing[1] is null then
    return rooms.publish_one(
      p_rooms[1], p_channels[1], p_ids[1], p_events[1], p_data[1], p_users[1], p_connections[1], p_dedupe_ms,
      p_skip_locked
    );
  end if;
  if p_skip_locked then
    -- Now, so that what follows sees the rooms that were made.
    perform rooms.make_unlocked(p_rooms, p_channels, p_durable);
    select array_agg(channel), array_agg(id), array_agg(epoch), array_agg(head), array_agg(last_at)
    into v_found, v_ids, v_epochs, v_heads, v_ats
    from (
      select r.channel, r.id, r.epoch, r.head, r.last_at from rooms.rooms r
      where r.channel = any (p_durable) order by r.channel for no key update skip locked
    ) as locked;
  elsif cardinality(p_durable) > 0 then
    loop
      -- In one order, so that nobody waits in a circle.
      select array_agg(channel), array_agg(id), array_agg(epoch), array_agg(head), array_agg(last_at)
      into v_found, v_ids, v_epochs, v_heads, v_ats
      from (
        select r.channel, r.id, r.epoch, r.head, r.last_at from rooms.rooms r
        where r.channel = any (p_durable) order by r.channel for no key update
      ) as locked;
      exit when cardinality(v_found) = cardinality(p_durable);
      perform rooms.make(p_rooms);
    end loop;
  end if;
  -- Only the wait for rooms has the short bound.
  perform set_config('lock_timeout', '0', true);
  select k.key, k.old_isolates_until > now() into strict v_key, v_has_old from rooms.channel_key k;
  v_now := rooms.now_ms();
  v_polls := exists (select from rooms.isolates where polls and expires_at > v_now);

  for v_room in
    with item as (
      select i.*, r.room_id, r.epoch, r.head, greatest(v_now, r.last_at) as at,
        case when i.passing is null then int8send(hashtextextended(i.id, hashtextextended(i."user", 0))) end as key
      from unnest(p_places, p_passing, p_ids, p_events, p_data, p_users, p_connections)
        with ordinality as i(place, passing, id, event, data, "user", connection, ord)
      left join unnest(v_found, v_ids, v_epochs, v_heads, v_ats) as r(channel, room_id, epoch, head, last_at)
        on r.channel = p_channels[i.place]
    -- Materialized: what is found would be looked for once more for every use.
    ), known as materialized (
      -- There is one at most: it would not have been stored again.
      select item.*, case when item.passing is null then (
        select m."offset" from rooms.messages m
        where m.room_id = item.room_id and m.key = item.key and m.id = item.id and m."user" = item."user"
          and m.at > item.at - p_dedupe_ms
        limit 1
      ) end as known_offset
      from item
    ), placed as (
      select known.*, (passing is null and known_offset is null and room_id is not null) as is_new,
        head + count(*) filter (where passing is null and known_offset is null)
          over (partition by place order by ord rows unbounded preceding) as new_offset
      from known
    ), stored as (
      insert into rooms.messages (room_id, "offset", key, id, event, data, "user", connection, at)
      select room_id, new_offset, key, id, event, data, "user", connection, at from placed where is_new
    ), moved as (
      update rooms.rooms r set head = n.head, last_at = n.at
      from (
        select room_id, max(new_offset) as head, max(at) as at from placed where is_new group by room_id
      ) as n
      where r.id = n.room_id
    ), told as (
      select place, ord, epoch,
        case when passing is not null then '0' when room_id is null then 'l' when is_new then new_offset::text
          else '-' || known_offset end as result,
        case when is_new then concat_ws(
          e'\x1f', 'm', new_offset, at, id, event, "user", coalesce('=' || connection, ''), data
        ) else passing end as record
      from placed
      -- In the order in which it is gathered below: one sort in place of one for every aggregate.
      order by place, ord
    )
    select place, coalesce(min(epoch), '') as epoch, string_agg(result, ',') as results,
      array_agg(record) filter (where record is not null) as records
    from told group by place order by place
  loop
    v_results := concat_ws(',', nullif(v_results, ''), v_room.results);
    if v_room.records is not null then
      v_payload := v_room.epoch || e'\x1e' || array_to_string(v_room.records, e'\x1e');
      -- As rooms.tell would, whose calls take longer than all the rest of a room.
      if v_has_old or octet_length(v_payload) > 7900 then
        perform rooms.tell(p_channels[v_room.place], v_room.epoch, v_room.records);
      else
        perform pg_notify('r' || v_key || right(p_channels[v_room.place], 40), v_payload);
      end if;
    end if;
  end loop;
  if v_polls then
    insert into rooms.passing (channel, record, at)
    select p_channels[i.place], i.passing, v_now from unnest(p_places, p_passing) as i(place, passing)
    -- The longer ones lie there already.
    where octet_length(i.passing) <= 7900;
  end if;
  return v_results;
end $$;

-- ── Comments and grants ──────────────────────────────────────────────────────────────────────────────────────────

comment on function rooms.make_unlocked(text[], text[], text[]) is 'Makes the rooms that do not exist, except those that another transaction is making.';
comment on function rooms.publish_one(text, text, text, text, text, text, text, bigint, boolean) is
  'Stores and tells one durable message.';
comment on function rooms.publish_batch(
  text[], text[], text[], int[], text[], text[], text[], text[], text[], text[], bigint, boolean
) is 'Stores and tells the messages of one tick of an isolate.';

revoke all on function rooms.make_unlocked(text[], text[], text[]) from public, anon, authenticated;
revoke all on function rooms.publish_one(text, text, text, text, text, text, text, bigint, boolean)
  from public, anon, authenticated;
revoke all on function rooms.publish_batch(
  text[], text[], text[], int[], text[], text[], text[], text[], text[], text[], bigint, boolean
) from public, anon, authenticated;
grant execute on function rooms.make_unlocked(text[], text[], text[]) to service_role;
grant execute on function rooms.publish_one(text, text, text, text, text, text, text, bigint, boolean)
  to service_role;
grant execute on function rooms.publish_batch(
  text[], text[], text[], int[], text[], text[], text[], text[], text[], text[], bigint, boolean
) to service_role;
