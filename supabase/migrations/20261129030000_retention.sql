-- Reads that are bounded in bytes and make no room, and rooms that keep their epoch until their
-- first message. Runs again without harm.
--
-- rooms.page and rooms.snapshots get more parameters. The functions of the first migration stay for
-- isolates of the release before, as long as an upgrade lasts.

create or replace function rooms.schema_version() returns int
language sql immutable set search_path = pg_catalog, pg_temp as $$ select 4 $$;

-- The messages between two offsets, both included, as records: nearest to the start first, or to
-- the end where p_is_backwards. It stops before p_max_bytes, but not before the first message.
create or replace function rooms.messages_between(
  p_room_id bigint, p_start bigint, p_end bigint, p_is_backwards boolean, p_max_bytes bigint
) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select string_agg(
      concat_ws(e'\x1f', 'm', m."offset", m.at, m.id, m.event, m."user", coalesce('=' || m.connection, ''), m.data),
      e'\x1e' order by m."offset"
    )
    from (
      -- Lengths are known without the data, which may lie elsewhere.
      select o.*,
        row_number() over nearest as place,
        sum(octet_length(o.data) + octet_length(o.id) + octet_length(o.event) + octet_length(o."user") + 64)
          over nearest as bytes
      from rooms.messages o
      where o.room_id = p_room_id and o."offset" between p_start and p_end
      window nearest as (
        order by case when p_is_backwards then -o."offset" else o."offset" end rows unbounded preceding
      )
    ) as m
    where m.place = 1 or m.bytes <= p_max_bytes
  );
end $$;

-- A page of history after an offset, or before one, of at most p_max_bytes or one message.
-- Retention counts at once here, whatever has been trimmed. A room that nobody has used has the
-- epoch ''.
create or replace function rooms.page(
  p_name text, p_after bigint, p_before bigint, p_limit bigint, p_messages bigint, p_age_ms bigint, p_max_bytes bigint
) returns table (epoch text, head bigint, first bigint, messages text)
language plpgsql stable
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
set search_path = pg_catalog, pg_temp
as $$
begin
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
  select b.epoch, b.head, b.first,
    rooms.messages_between(b.id, b.start, b.finish, p_before is not null, p_max_bytes)
  from bounds b;
  if not found then
    return query select '', 0::bigint, 1::bigint, null::text;
  end if;
end $$;

-- The first messages after an offset that are still there, in retention or not, of at most 256 KB
-- or one message. No row when there is no such room.
create or replace function rooms.missed(p_name text, p_after bigint, p_limit int)
returns table (epoch text, head bigint, messages text)
language plpgsql stable
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  select r.epoch, r.head, rooms.messages_between(r.id, f."offset", f."offset" - 1 + p_limit, false, 262144)
  from rooms.rooms r
  left join lateral (
    select m."offset" from rooms.messages m
    where m.room_id = r.id and m."offset" > p_after order by m."offset" limit 1
  ) as f on true
  where r.channel = rooms.channel_of(p_name);
end $$;

-- How rooms are at one moment, as far as the caller does not know it: the first messages after
-- p_after (none where it is null), and who is present where p_versions is another version or null.
-- The messages of all rooms together have about p_max_bytes, or one message of each room.
--
-- The caller has members in these rooms. A missing room is made, with the epoch of p_epochs where
-- the caller knows one: rooms without messages are removed while an isolate is cut off, and its
-- members must not lose their place. A room without messages counts as used now, so that it is not
-- removed.
create or replace function rooms.snapshots(
  p_names text[], p_after bigint[], p_versions bigint[], p_epochs text[], p_limit int, p_max_bytes bigint
) returns table (place bigint, now bigint, epoch text, head bigint, version bigint, present text, messages text)
language plpgsql volatile
set plan_cache_mode = force_generic_plan
set jit = off
set enable_seqscan = off
set lock_timeout = '200ms'
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now bigint := rooms.now_ms();
  v_share bigint := p_max_bytes / greatest(1, cardinality(array_remove(p_after, null)));
  v_room record;
begin
  for v_room in
    select distinct on (named.channel) named.* from (
      select rooms.channel_of(n.name) as channel, n.name, n.epoch from unnest(p_names, p_epochs) as n(name, epoch)
    ) as named
    where not exists (
      select from rooms.rooms r
      where r.channel = named.channel and (r.head > 0 or r.last_at > v_now - 60000)
    )
    -- In one order, or two that make the same rooms wait for each other.
    order by named.channel
  loop
    begin
      insert into rooms.rooms as known (channel, name, epoch, last_at)
      values (
        v_room.channel, v_room.name,
        coalesce(v_room.epoch, left(replace(gen_random_uuid()::text, '-', ''), 16)), v_now
      )
      on conflict (channel) do update set last_at = excluded.last_at where known.head = 0;
    exception when lock_not_available then
      -- A transaction that is left open publishes there: it delays nobody else.
    end;
  end loop;
  return query
  select n.place, v_now, r.epoch, r.head, coalesce(v.version, 0),
    case when n.version is distinct from coalesce(v.version, 0) then coalesce((
      select string_agg(concat_ws(e'\x1f', p."user", p.connection, p.state), e'\x1e')
      from rooms.presence p where p.room_id = r.id
    ), '') end,
    case when n.after < r.head then (
      select rooms.messages_between(r.id, m."offset", m."offset" - 1 + p_limit, false, v_share)
      from rooms.messages m where m.room_id = r.id and m."offset" > n.after order by m."offset" limit 1
    ) end
  from unnest(p_names, p_after, p_versions) with ordinality as n(name, after, version, place)
  join rooms.rooms r on r.channel = rooms.channel_of(n.name)
  left join rooms.presence_versions v on v.room_id = r.id;
end $$;

-- ── Trimming ─────────────────────────────────────────────────────────────────────────────────────

-- Place of the walk over all rooms. Its row is the lock of the isolate that trims: nobody without
-- rights in this schema can hold it.
create table if not exists rooms.trimming (
  is_only boolean primary key default true check (is_only),
  -- Id of the room that was looked at last, 0 before the first; null between two walks.
  room_id bigint,
  -- Start of the last walk, in milliseconds.
  started_at bigint not null default 0
);
insert into rooms.trimming default values on conflict do nothing;

-- One step of the walk over all rooms, in a transaction of its own: looks at the next thousand
-- rooms, and deletes what nothing needs any more, ten thousand messages at most. The caller repeats
-- it until is_last. Returns no row while another isolate trims, or if the last walk began less than
-- p_every_ms ago.
create or replace function rooms.trim_step(
  p_messages bigint, p_age_ms bigint, p_dedupe_ms bigint, p_unused_ms bigint, p_every_ms bigint
) returns table (deleted bigint, is_last boolean)
language plpgsql volatile
set plan_cache_mode = force_generic_plan
set jit = off
set enable_seqscan = off
set search_path = pg_catalog, pg_temp
as $$
declare
  c_rooms constant int := 1000;
  c_messages constant bigint := 10000;
  v_now bigint := rooms.now_ms();
  v_old bigint := v_now - greatest(p_age_ms, p_dedupe_ms);
  v_repeatable bigint := v_now - p_dedupe_ms;
  v_idle bigint := least(v_old, v_now - 86400000);
  v_unused bigint := v_now - p_unused_ms;
  v_place rooms.trimming;
  v_room record;
  v_empty bigint[] := array[]::bigint[];
  v_looked int := 0;
  v_count bigint;
begin
  deleted := 0;
  select t.* into v_place from rooms.trimming t for update skip locked;
  if not found then
    -- Locked, or lost with a backup.
    if not exists (select from rooms.trimming) then
      insert into rooms.trimming default values on conflict do nothing;
    end if;
    return;
  end if;
  if v_place.room_id is null then
    if v_now >= v_place.started_at and v_now < v_place.started_at + p_every_ms then
      return;
    end if;
    v_place.room_id := 0;
    v_place.started_at := v_now;
  end if;

  is_last := true;
  for v_room in
    select r.id, r.head, r.last_at, oldest."offset", oldest.at
    from (select * from rooms.rooms n where n.id > v_place.room_id order by n.id limit c_rooms) as r
    left join lateral (
      select m."offset", m.at from rooms.messages m where m.room_id = r.id order by m."offset" limit 1
    ) as oldest on true
    order by r.id
  loop
    v_looked := v_looked + 1;
    if v_room.at <= v_old or (v_room.at <= v_repeatable and v_room."offset" <= v_room.head - p_messages) then
      delete from rooms.messages m using (
        select o."offset", o.at from rooms.messages o
        where o.room_id = v_room.id order by o."offset" limit c_messages - deleted
      ) as old
      where m.room_id = v_room.id and m."offset" = old."offset"
        and (old.at <= v_old or (old.at <= v_repeatable and old."offset" <= v_room.head - p_messages));
      get diagnostics v_count = row_count;
      deleted := deleted + v_count;
      -- The next step goes on in this room.
      exit when deleted >= c_messages;
    elsif v_room.at is null
      and (v_room.last_at <= v_idle or (v_room.head = 0 and v_room.last_at <= v_unused)) then
      v_empty := v_empty || v_room.id;
    end if;
    v_place.room_id := v_room.id;
  end loop;
  is_last := v_looked < c_rooms and deleted < c_messages;

  -- Rooms that a publisher has locked are in use.
  with gone as (
    delete from rooms.rooms r using (
      select e.id from rooms.rooms e
      where e.id = any (v_empty)
        and (e.last_at <= v_idle or (e.head = 0 and e.last_at <= v_unused))
        and not exists (select from rooms.presence p where p.room_id = e.id)
      for update skip locked
    ) as empty
    where r.id = empty.id returning r.id
  )
  delete from rooms.presence_versions v using gone where v.room_id = gone.id;
  if is_last then
    v_place.room_id := null;
    -- Those of rooms that went while somebody left them.
    delete from rooms.presence_versions v where not exists (select from rooms.rooms r where r.id = v.room_id);
  end if;
  update rooms.trimming t set room_id = v_place.room_id, started_at = v_place.started_at;
  return next;
end $$;

-- For isolates of the release before: one step.
create or replace function rooms.trim(p_messages bigint, p_age_ms bigint, p_dedupe_ms bigint) returns bigint
language sql volatile set search_path = pg_catalog, pg_temp as $$
  select s.deleted from rooms.trim_step(p_messages, p_age_ms, p_dedupe_ms, 900000, 0) as s
$$;

-- ── Comments and grants ───────────────────────────────────────────────────────────────────────────────────────

comment on table rooms.trimming is 'Place of the walk over all rooms that deletes messages outside of retention.';
comment on function rooms.messages_between(bigint, bigint, bigint, boolean, bigint) is
  'Messages between two offsets as records, bounded in bytes.';
comment on function rooms.page(text, bigint, bigint, bigint, bigint, bigint, bigint) is 'A page of history.';
comment on function rooms.snapshots(text[], bigint[], bigint[], text[], int, bigint) is
  'State of rooms at one moment, as far as the caller does not know it.';
comment on function rooms.trim(bigint, bigint, bigint) is
  'One step of the walk over all rooms, for isolates of the release before.';
comment on function rooms.trim_step(bigint, bigint, bigint, bigint, bigint) is 'One step of the walk that deletes messages outside of retention.';

alter table rooms.trimming enable row level security;
revoke all on rooms.trimming from public, anon, authenticated;
grant select, insert, update, delete on rooms.trimming to service_role;
do $$
declare
  v_function regprocedure;
begin
  foreach v_function in array array[
    'rooms.messages_between(bigint, bigint, bigint, boolean, bigint)',
    'rooms.page(text, bigint, bigint, bigint, bigint, bigint, bigint)',
    'rooms.snapshots(text[], bigint[], bigint[], text[], int, bigint)',
    'rooms.trim_step(bigint, bigint, bigint, bigint, bigint)'
  ]::regprocedure[] loop
    execute format('revoke all on function %s from public, anon, authenticated', v_function);
    execute format('grant execute on function %s to service_role', v_function);
  end loop;
end $$;
