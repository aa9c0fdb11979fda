-- Rooms across isolates (supabase/functions/realtime/backplane/postgres.ts). Runs again without harm.
--
-- Nothing here is for anon or authenticated: whoever is in a room is told by the function, and PostgREST shows none of it.
--
-- Text of rooms may be what Postgres text cannot be, so the function writes U+0010 and four hexadecimal digits for U+0000, a lone
-- surrogate, U+0010, U+001E and U+001F. So the last two never occur in what is stored, and separate: U+001F the fields of a record,
-- U+001E the records of a notification. That keeps JSON text as it is, and is shorter and faster than JSON within JSON.

create schema if not exists rooms;

-- ── Tables ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

-- A room; its row is the lock that makes offsets contiguous. Half of a page stays free, so that an update stays on it.
create table if not exists rooms.rooms (
  id bigint generated always as identity primary key,
  -- What its notifications are called; unique in place of the name, which may be longer than an index takes.
  channel text not null unique,
  name text not null,
  -- Names the history that offsets belong to.
  epoch text not null default left(replace(gen_random_uuid()::text, '-', ''), 16),
  -- Offset of the last message.
  head bigint not null default 0,
  -- When the last message was stored, in milliseconds; before the first, when the room came into being.
  last_at bigint not null
) with (fillfactor = 50);

-- Durable messages. They outlive retention for as long as they recognize a repetition.
create table if not exists rooms.messages (
  room_id bigint not null,
  "offset" bigint not null,
  -- Finds a repetition: sender and id, hashed.
  key bytea not null,
  id text not null,
  event text not null,
  -- JSON text.
  data text not null,
  "user" text not null,
  connection text,
  at bigint not null,
  primary key (room_id, "offset")
);
create index if not exists messages_key on rooms.messages (room_id, key);

-- Records that do not fit into a notification, or that an isolate without LISTEN comes for. They live for a minute.
create unlogged table if not exists rooms.passing (
  id bigint generated always as identity primary key,
  channel text not null,
  record text not null,
  at bigint not null
);
create index if not exists passing_channel on rooms.passing (channel, at);
create index if not exists passing_at on rooms.passing (at);

-- Isolates, and until when they count as alive.
create unlogged table if not exists rooms.isolates (
  id uuid primary key,
  expires_at bigint not null,
  -- How long its entries linger when it is gone.
  grace_ms bigint not null,
  -- Whether it has no LISTEN, and comes for what passes.
  polls boolean not null default false
);
create index if not exists isolates_poll on rooms.isolates (expires_at) where polls;

-- How often presence of a room changed; its row is the lock that puts changes into one order.
create unlogged table if not exists rooms.presence_versions (
  room_id bigint primary key,
  version bigint not null
) with (fillfactor = 50);

create unlogged table if not exists rooms.presence (
  room_id bigint not null,
  connection text not null,
  "user" text not null,
  -- JSON text.
  state text not null,
  -- Who answers for it.
  isolate uuid not null,
  -- Present while it lingers: its end, and its place among those that were lost.
  lingering_until bigint,
  lost bigint,
  -- The connection that a resume named to take it over: a client that missed its welcome names it again.
  resumed_from text,
  primary key (room_id, connection)
) with (fillfactor = 70);
create index if not exists presence_lingering on rooms.presence (room_id, lingering_until)
  where lingering_until is not null;
create index if not exists presence_resumed on rooms.presence (room_id, resumed_from) where resumed_from is not null;
create index if not exists presence_due on rooms.presence (lingering_until) where lingering_until is not null;
create index if not exists presence_isolate on rooms.presence (isolate);
create sequence if not exists rooms.losses;

-- ── What everything stands on ────────────────────────────────────────────────────────────────────────────────────────────

-- What the function compares with what it needs.
create or replace function rooms.schema_version() returns int
language sql immutable as $$ select 1 $$;

-- The one clock of all isolates, in milliseconds since 1970.
create or replace function rooms.now_ms() returns bigint
language sql volatile as $$ select (extract(epoch from clock_timestamp()) * 1000)::bigint $$;

-- What a room's notifications are called. The function computes the same.
create or replace function rooms.channel_of(p_name text) returns text
language sql stable as $$ select 'rooms:' || left(encode(sha256(convert_to(p_name, 'UTF8')), 'hex'), 40) $$;

-- Finds what may be a repetition. It is short and made fast, so two messages may share one: whoever asks compares sender and id too.
create or replace function rooms.key_of(p_user text, p_id text) returns bytea
language sql stable as $$
  select int8send(hashtextextended(p_id, hashtextextended(p_user, 0)))
$$;

-- Makes the rooms that are not there yet.
create or replace function rooms.make(p_names text[]) returns void
language sql volatile as $$
  insert into rooms.rooms (channel, name, last_at)
  select channel, min(name), rooms.now_ms()
  from (select rooms.channel_of(name) as channel, name from unnest(p_names) as n(name)) as named
  where not exists (select from rooms.rooms r where r.channel = named.channel)
  -- In one order, or two that make the same rooms wait for each other.
  group by channel order by channel
  on conflict (channel) do nothing
$$;

-- Tells a room records, as many at once as fit into a notification of 8,000 bytes. One that does not fit alone is read by whoever is told: a
-- durable message from where it is stored, another one from rooms.passing.
create or replace function rooms.tell(p_channel text, p_epoch text, p_records text[]) returns void
language plpgsql volatile as $$
declare
  v_payload text := p_epoch || e'\x1e' || array_to_string(p_records, e'\x1e');
  v_record text;
  v_place int := 0;
  v_id bigint;
begin
  -- Then none of the records is longer than what is told by itself below.
  if octet_length(v_payload) <= 7900 then
    perform pg_notify(p_channel, v_payload);
    return;
  end if;
  v_payload := null;
  -- An element of an array is not looked up by its place: each look would pass over all that come before it.
  foreach v_record in array p_records loop
    v_place := v_place + 1;
    if octet_length(v_record) > 7900 then
      if v_record like 'm%' then
        v_record := e'o\x1f' || split_part(v_record, e'\x1f', 2);
      else
        insert into rooms.passing (channel, record, at) values (p_channel, v_record, rooms.now_ms())
        returning id into v_id;
        v_record := e'x\x1f' || v_id;
      end if;
    end if;
    if octet_length(v_payload) + 1 + octet_length(v_record) > 7990 then
      perform pg_notify(p_channel, v_payload);
      v_payload := null;
    end if;
    -- The number keeps Postgres from taking two that are alike for one.
    v_payload := coalesce(v_payload, p_epoch || e'\x1e#' || v_place) || e'\x1e' || v_record;
  end loop;
  perform pg_notify(p_channel, v_payload);
end $$;

-- ── Messages ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

-- Stores and tells one durable message: what publish_batch does for many, in a third of the time. Returns what it returns.
create or replace function rooms.publish_one(
  p_room text, p_channel text, p_id text, p_event text, p_data text, p_user text, p_connection text, p_dedupe_ms bigint
) returns text
-- It is planned as publish_batch sets it, which calls it.
language plpgsql volatile as $$
declare
  v_key bytea := rooms.key_of(p_user, p_id);
  v_id bigint;
  v_epoch text;
  v_offset bigint;
  v_at bigint;
  v_known bigint;
begin
  loop
    select r.id, r.epoch, r.head + 1, r.last_at into v_id, v_epoch, v_offset, v_at
    from rooms.rooms r where r.channel = p_channel for no key update;
    exit when found;
    perform rooms.make(array[p_room]);
  end loop;
  v_at := greatest(v_at, rooms.now_ms());
  select m."offset" into v_known from rooms.messages m
  where m.room_id = v_id and m.key = v_key and m.id = p_id and m."user" = p_user and m.at > v_at - p_dedupe_ms limit 1;
  if found then
    return -v_known;
  end if;
  insert into rooms.messages (room_id, "offset", key, id, event, data, "user", connection, at)
  values (v_id, v_offset, v_key, p_id, p_event, p_data, p_user, p_connection, v_at);
  update rooms.rooms r set head = v_offset, last_at = v_at where r.id = v_id;
  perform rooms.tell(p_channel, v_epoch, array[concat_ws(
    e'\x1f', 'm', v_offset, v_at, p_id, p_event, p_user, coalesce('=' || p_connection, ''), p_data
  )]);
  return v_offset;
end $$;

-- Stores and tells what one isolate published in one tick, room by room, in the order given: durable messages, and records (p_passing) that
-- are only told. p_places says for each to which of p_rooms it goes, in rising order; p_channels are those of p_rooms, and p_durable those
-- of them that durable messages are for. No two durable messages are of the same room, sender and id. Returns one offset each, separated by
-- commas: negative when the message had been stored before, 0 for what is not stored.
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
  p_dedupe_ms bigint
) returns text
language plpgsql volatile
-- The plan is made once, maybe while the tables are empty: it must not be one for empty tables. Compiling it takes longer than doing it.
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
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
begin
  if cardinality(p_places) = 1 and p_passing[1] is null then
    return rooms.publish_one(
      p_rooms[1], p_channels[1], p_ids[1], p_events[1], p_data[1], p_users[1], p_connections[1], p_dedupe_ms
    );
  end if;
  if cardinality(p_durable) > 0 then
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
  v_now := rooms.now_ms();
  v_polls := exists (select from rooms.isolates where polls and expires_at > v_now);

  for v_room in
    with item as (
      select i.*, r.room_id, r.epoch, r.head, greatest(v_now, r.last_at) as at,
        case when i.passing is null then rooms.key_of(i."user", i.id) end as key
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
      select known.*, (passing is null and known_offset is null) as is_new,
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
        case when passing is not null then '0' when is_new then new_offset::text else '-' || known_offset end as result,
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
      perform rooms.tell(p_channels[v_room.place], v_room.epoch, v_room.records);
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

-- One message as the record that notifications have of it.
create or replace function rooms.record_of(m rooms.messages) returns text
language sql immutable as $$
  select concat_ws(
    e'\x1f', 'm', m."offset", m.at, m.id, m.event, m."user", coalesce('=' || m.connection, ''), m.data
  )
$$;

-- A page of history after an offset, or before one. Retention counts at once here, whatever has been trimmed.
create or replace function rooms.page(
  p_name text, p_after bigint, p_before bigint, p_limit bigint, p_messages bigint, p_age_ms bigint
) returns table (epoch text, head bigint, first bigint, messages text)
language plpgsql volatile as $$
begin
  if not exists (select from rooms.rooms r where r.channel = rooms.channel_of(p_name)) then
    perform rooms.make(array[p_name]);
  end if;
  return query
  with room as materialized (
    select r.id, r.epoch, r.head, coalesce((
      select m."offset" from rooms.messages m
      where m.room_id = r.id and m."offset" > r.head - p_messages and m.at > rooms.now_ms() - p_age_ms
      order by m."offset" limit 1
    ), r.head + 1) as first
    from rooms.rooms r where r.channel = rooms.channel_of(p_name)
  ), bounds as (
    select room.*,
      case when p_before is null then greatest(p_after + 1, room.first)
        else greatest(least(p_before - 1, room.head) - p_limit + 1, room.first) end as start,
      case when p_before is null then least(greatest(p_after + 1, room.first) - 1 + p_limit, room.head)
        else least(p_before - 1, room.head) end as finish
    from room
  )
  select b.epoch, b.head, b.first, (
    select string_agg(rooms.record_of(m), e'\x1e' order by m."offset") from rooms.messages m
    where m.room_id = b.id and m."offset" between b.start and b.finish
  )
  from bounds b;
end $$;

-- The first messages after an offset that are still there, in retention or not; no row when there is no such room.
create or replace function rooms.missed(p_name text, p_after bigint, p_limit int)
returns table (epoch text, head bigint, messages text)
language sql stable as $$
  select r.epoch, r.head, (
    select string_agg(rooms.record_of(m), e'\x1e' order by m."offset") from (
      select * from rooms.messages m
      where m.room_id = r.id and m."offset" > p_after order by m."offset" limit p_limit
    ) as m
  )
  from rooms.rooms r where r.channel = rooms.channel_of(p_name)
$$;

-- A room's newest messages were lost, by a failover or a restored backup: its offsets mean other messages now, so its epoch is another one.
create or replace function rooms.lose_tail(p_name text, p_epoch text) returns void
language sql volatile as $$
  update rooms.rooms r set epoch = left(replace(gen_random_uuid()::text, '-', ''), 16)
  where r.channel = rooms.channel_of(p_name) and r.epoch = p_epoch
$$;

-- How rooms are at one moment, as far as the caller does not know it: the first messages after p_after (none where it is null), and
-- who is present where p_versions is another version or null. Makes the rooms that are not there.
create or replace function rooms.snapshots(p_names text[], p_after bigint[], p_versions bigint[], p_limit int)
returns table (place bigint, now bigint, epoch text, head bigint, version bigint, present text, messages text)
language plpgsql volatile
set plan_cache_mode = force_generic_plan
set jit = off
set enable_seqscan = off
as $$
begin
  if exists (
    select from unnest(p_names) as n(name)
    where not exists (select from rooms.rooms r where r.channel = rooms.channel_of(n.name))
  ) then
    perform rooms.make(p_names);
  end if;
  return query
  select n.place, rooms.now_ms(), r.epoch, r.head, coalesce(v.version, 0),
    case when n.version is distinct from coalesce(v.version, 0) then coalesce((
      select string_agg(concat_ws(e'\x1f', p."user", p.connection, p.state), e'\x1e')
      from rooms.presence p where p.room_id = r.id
    ), '') end,
    case when n.after < r.head then (
      select string_agg(rooms.record_of(m), e'\x1e' order by m."offset") from (
        select * from rooms.messages m
        where m.room_id = r.id and m."offset" > n.after order by m."offset" limit p_limit
      ) as m
    ) end
  from unnest(p_names, p_after, p_versions) with ordinality as n(name, after, version, place)
  join rooms.rooms r on r.channel = rooms.channel_of(n.name)
  left join rooms.presence_versions v on v.room_id = r.id;
end $$;

-- Publishes from SQL, within the caller's transaction: a message and the row it speaks of are committed together or not at all. A
-- repeated id is the same message, as over the socket. Returns its offset; raises when it cannot be stored.
create or replace function rooms.publish(
  room text,
  event text,
  data jsonb,
  id text default gen_random_uuid()::text,
  "user" text default 'postgres',
  dedupe_ms bigint default 120000
) returns bigint
language plpgsql volatile as $$
declare
  v_channel text := rooms.channel_of(rooms.escape(room));
begin
  if room is null or event is null or data is null or id is null or "user" is null then
    raise exception 'room, event, data, id and user must not be null' using errcode = 'null_value_not_allowed';
  end if;
  return abs(rooms.publish_batch(
    array[rooms.escape(room)], array[v_channel], array[v_channel], array[1], array[null]::text[],
    array[rooms.escape(id)], array[rooms.escape(event)], array[rooms.escape(data::text)],
    array[rooms.escape("user")], array[null]::text[], dedupe_ms
  )::bigint);
end $$;

-- Text as it is stored.
create or replace function rooms.escape(p_text text) returns text
language sql immutable strict as $$
  select replace(replace(replace(p_text, e'\x10', e'\x10' || '0010'), e'\x1e', e'\x10' || '001e'), e'\x1f', e'\x10' || '001f')
$$;

-- ── Presence ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

-- Waits until nobody else changes presence in the room.
create or replace function rooms.lock_presence(p_room_id bigint) returns void
language plpgsql volatile as $$
begin
  loop
    perform from rooms.presence_versions v where v.room_id = p_room_id for no key update;
    exit when found;
    insert into rooms.presence_versions (room_id, version) values (p_room_id, 0) on conflict do nothing;
  end loop;
end $$;

-- Tells a change of presence: j(oined), u(pdated) or l(eft). The caller holds the lock.
create or replace function rooms.tell_presence(
  p_room_id bigint, p_type text, p_user text, p_connection text, p_previous text, p_state text
) returns void
language plpgsql volatile as $$
declare
  v_version bigint;
begin
  update rooms.presence_versions set version = version + 1 where room_id = p_room_id returning version into v_version;
  perform rooms.tell(r.channel, r.epoch, array[concat_ws(
    e'\x1f', 'p', v_version, p_type, p_user, p_connection, coalesce('=' || p_previous, ''), p_state
  )])
  from rooms.rooms r where r.id = p_room_id;
end $$;

-- An isolate lives on; true when it had counted as alive without a break.
create or replace function rooms.renew(p_isolate uuid, p_lease_ms bigint, p_grace_ms bigint, p_polls boolean) returns boolean
language plpgsql volatile as $$
declare
  v_was_alive boolean;
begin
  update rooms.isolates i set expires_at = rooms.now_ms() + p_lease_ms, grace_ms = p_grace_ms, polls = p_polls
  where i.id = p_isolate;
  v_was_alive := found;
  if not found then
    insert into rooms.isolates (id, expires_at, grace_ms, polls)
    values (p_isolate, rooms.now_ms() + p_lease_ms, p_grace_ms, p_polls) on conflict do nothing;
  end if;
  return v_was_alive;
end $$;

-- See Backplane.enter.
create or replace function rooms.enter(
  p_name text, p_isolate uuid, p_user text, p_connection text, p_state text, p_lease_ms bigint, p_grace_ms bigint
) returns void
language plpgsql volatile as $$
declare
  v_room_id bigint;
  v_own rooms.presence;
  v_lost rooms.presence;
begin
  -- No entry without somebody whose lease can run out.
  if not exists (select from rooms.isolates i where i.id = p_isolate) then
    perform rooms.renew(p_isolate, p_lease_ms, p_grace_ms, false);
  end if;
  loop
    select r.id into v_room_id from rooms.rooms r where r.channel = rooms.channel_of(p_name);
    exit when found;
    perform rooms.make(array[p_name]);
  end loop;
  perform rooms.lock_presence(v_room_id);
  select * into v_own from rooms.presence p where p.room_id = v_room_id and p.connection = p_connection;
  if found then
    update rooms.presence p set isolate = p_isolate, lingering_until = null, lost = null, state = p_state, "user" = p_user
    where p.room_id = v_room_id and p.connection = p_connection;
    if v_own.state <> p_state then
      perform rooms.tell_presence(v_room_id, 'u', p_user, p_connection, null, p_state);
    end if;
    return;
  end if;
  select * into v_lost from rooms.presence p
  where p.room_id = v_room_id and p."user" = p_user and p.lingering_until > rooms.now_ms()
  order by p.lost limit 1;
  if found then
    update rooms.presence p
    set connection = p_connection, isolate = p_isolate, lingering_until = null, lost = null, state = p_state,
      resumed_from = null
    where p.room_id = v_room_id and p.connection = v_lost.connection;
    perform rooms.tell_presence(v_room_id, 'u', p_user, p_connection, v_lost.connection, p_state);
  else
    insert into rooms.presence (room_id, connection, "user", state, isolate)
    values (v_room_id, p_connection, p_user, p_state, p_isolate);
    perform rooms.tell_presence(v_room_id, 'j', p_user, p_connection, null, p_state);
  end if;
end $$;

-- See Backplane.resume. Returns the state that goes on; null when nothing was taken over.
create or replace function rooms.resume(
  p_name text, p_isolate uuid, p_user text, p_connection text, p_previous text, p_lease_ms bigint, p_grace_ms bigint
) returns text
language plpgsql volatile as $$
declare
  v_room_id bigint;
  v_entry rooms.presence;
begin
  if not exists (select from rooms.isolates i where i.id = p_isolate) then
    perform rooms.renew(p_isolate, p_lease_ms, p_grace_ms, false);
  end if;
  select r.id into v_room_id from rooms.rooms r where r.channel = rooms.channel_of(p_name);
  if not found then
    return null;
  end if;
  perform rooms.lock_presence(v_room_id);
  if exists (select from rooms.presence p where p.room_id = v_room_id and p.connection = p_connection) then
    return null;
  end if;
  if p_previous is null then
    select * into v_entry from rooms.presence p
    where p.room_id = v_room_id and p."user" = p_user and p.lingering_until > rooms.now_ms()
    order by p.lost limit 1;
  else
    select * into v_entry from rooms.presence p
    where p.room_id = v_room_id and p.connection = p_previous;
    if not found then
      select * into v_entry from rooms.presence p
      where p.room_id = v_room_id and p.resumed_from = p_previous;
    end if;
  end if;
  if not found or v_entry."user" <> p_user then
    return null;
  end if;
  update rooms.presence p
  set connection = p_connection, isolate = p_isolate, lingering_until = null, lost = null, resumed_from = p_previous
  where p.room_id = v_room_id and p.connection = v_entry.connection;
  perform rooms.tell_presence(v_room_id, 'u', p_user, p_connection, v_entry.connection, v_entry.state);
  return v_entry.state;
end $$;

-- See Backplane.leave.
create or replace function rooms.leave(p_name text, p_connection text) returns void
language plpgsql volatile as $$
declare
  v_room_id bigint;
  v_entry rooms.presence;
begin
  select r.id into v_room_id from rooms.rooms r where r.channel = rooms.channel_of(p_name);
  if not found then
    return;
  end if;
  perform rooms.lock_presence(v_room_id);
  delete from rooms.presence p where p.room_id = v_room_id and p.connection = p_connection returning * into v_entry;
  if found then
    perform rooms.tell_presence(v_room_id, 'l', v_entry."user", v_entry.connection, null, v_entry.state);
  end if;
end $$;

-- Who is present, as records.
create or replace function rooms.present(p_name text) returns text
language sql stable as $$
  select coalesce(string_agg(concat_ws(e'\x1f', p."user", p.connection, p.state), e'\x1e'), '')
  from rooms.presence p join rooms.rooms r on r.id = p.room_id where r.channel = rooms.channel_of(p_name)
$$;

-- See Backplane.linger.
create or replace function rooms.linger(p_name text, p_connection text, p_grace_ms bigint) returns void
language sql volatile as $$
  update rooms.presence p set lingering_until = rooms.now_ms() + p_grace_ms, lost = nextval('rooms.losses')
  from rooms.rooms r
  where r.channel = rooms.channel_of(p_name) and p.room_id = r.id and p.connection = p_connection
    and p.lingering_until is null
$$;

-- Isolates are gone: their entries linger from when they were.
create or replace function rooms.lose(p_isolates uuid[]) returns void
language sql volatile as $$
  with gone as (
    delete from rooms.isolates i where i.id = any (p_isolates) returning i.id, i.expires_at, i.grace_ms
  )
  update rooms.presence p
  set lingering_until = least(rooms.now_ms(), gone.expires_at) + gone.grace_ms, lost = nextval('rooms.losses')
  from gone where p.isolate = gone.id and p.lingering_until is null
$$;

-- Lets entries go whose time is over, of whichever isolate. Whoever deletes an entry tells of it, so it leaves once.
create or replace function rooms.sweep() returns void
language plpgsql volatile as $$
declare
  v_now bigint := rooms.now_ms();
  v_gone uuid[];
  v_room_id bigint;
  v_entry rooms.presence;
begin
  select array_agg(i.id) into v_gone from rooms.isolates i where i.expires_at <= v_now;
  if v_gone is not null then
    perform rooms.lose(v_gone);
  end if;
  for v_room_id in
    select distinct p.room_id from rooms.presence p where p.lingering_until <= v_now order by p.room_id
  loop
    perform rooms.lock_presence(v_room_id);
    for v_entry in
      with gone as (
        delete from rooms.presence p where p.room_id = v_room_id and p.lingering_until <= v_now returning p.*
      )
      select * from gone order by lost
    loop
      perform rooms.tell_presence(v_room_id, 'l', v_entry."user", v_entry.connection, null, v_entry.state);
    end loop;
  end loop;
  delete from rooms.passing where at < v_now - 60000;
end $$;

-- ── Trimming ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

-- Deletes messages that nothing needs any more, the oldest thousand of each of a hundred rooms at most, and rooms that have been empty for a
-- day. Whoever gets the lock does it: returns how many messages went, or null when somebody else is at it.
create or replace function rooms.trim(p_messages bigint, p_age_ms bigint, p_dedupe_ms bigint) returns bigint
language plpgsql volatile as $$
declare
  v_now bigint := rooms.now_ms();
  v_old bigint := v_now - greatest(p_age_ms, p_dedupe_ms);
  v_repeatable bigint := v_now - p_dedupe_ms;
  v_room record;
  v_count bigint;
  v_deleted bigint := 0;
begin
  if not pg_try_advisory_xact_lock(7239415208471) then
    return null;
  end if;
  for v_room in
    select r.id, r.head from rooms.rooms r
    cross join lateral (
      select m."offset", m.at from rooms.messages m where m.room_id = r.id order by m."offset" limit 1
    ) as oldest
    where oldest.at <= v_old or (oldest.at <= v_repeatable and oldest."offset" <= r.head - p_messages)
    limit 100
  loop
    delete from rooms.messages m using (
      select o."offset", o.at from rooms.messages o where o.room_id = v_room.id order by o."offset" limit 1000
    ) as old
    where m.room_id = v_room.id and m."offset" = old."offset"
      and (old.at <= v_old or (old.at <= v_repeatable and old."offset" <= v_room.head - p_messages));
    get diagnostics v_count = row_count;
    v_deleted := v_deleted + v_count;
  end loop;
  delete from rooms.rooms r where r.id in (
    select e.id from rooms.rooms e
    where e.last_at <= least(v_old, v_now - 86400000)
      and not exists (select from rooms.messages m where m.room_id = e.id)
      and not exists (select from rooms.presence p where p.room_id = e.id)
    limit 1000
  ) and r.last_at <= least(v_old, v_now - 86400000);
  delete from rooms.presence_versions v
  where not exists (select from rooms.rooms r where r.id = v.room_id);
  return v_deleted;
end $$;

-- ── Grants ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

revoke all on schema rooms from public;
revoke all on all tables in schema rooms from public;
revoke all on all sequences in schema rooms from public;
revoke all on all functions in schema rooms from public;
do $$
declare
  v_role text;
  v_table regclass;
begin
  for v_table in select c.oid from pg_class c where c.relnamespace = 'rooms'::regnamespace and c.relkind = 'r' loop
    -- Without a policy: for nobody but the owner and service_role, even where somebody grants too much.
    execute format('alter table %s enable row level security', v_table);
  end loop;
  foreach v_role in array array['anon', 'authenticated'] loop
    execute format('revoke all on schema rooms from %I', v_role);
    execute format('revoke all on all tables in schema rooms from %I', v_role);
    execute format('revoke all on all sequences in schema rooms from %I', v_role);
    execute format('revoke all on all functions in schema rooms from %I', v_role);
  end loop;
  grant usage on schema rooms to service_role;
  grant select, insert, update, delete on all tables in schema rooms to service_role;
  grant usage on all sequences in schema rooms to service_role;
  grant execute on all functions in schema rooms to service_role;
end $$;
