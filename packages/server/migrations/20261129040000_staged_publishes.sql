-- rooms.publish() writes a row that an isolate stores as a message after the commit. Runs again without harm.
--
-- NOTIFY takes a lock of the whole cluster until its transaction is on disk. So a writer that notified, as
-- rooms.publish() did before, held up all others. Now the isolate notifies, for many messages at once.

create or replace function rooms.schema_version() returns int
language sql immutable set search_path = pg_catalog, pg_temp as $$ select 5 $$;

-- ── Tables ──────────────────────────────────────────────────────────────────────────────────────────

-- Messages that were committed with their transactions, and that no isolate has stored yet.
create table if not exists rooms.staged (
  -- Order of the messages of a room: that of the calls.
  seq bigint generated always as identity primary key,
  -- Text as rooms.escape makes it.
  room text not null,
  id text not null,
  event text not null,
  data text not null,
  sender text not null
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);

-- One row. Its lock makes one isolate drain at a time.
create table if not exists rooms.drainer (
  is_single boolean primary key default true check (is_single),
  -- The isolate that polls, and until when. Nobody has to notify it before.
  isolate uuid,
  polls_until bigint not null default 0
);
insert into rooms.drainer default values on conflict do nothing;

alter table rooms.staged enable row level security;
alter table rooms.drainer enable row level security;

-- ── Publishing ──────────────────────────────────────────────────────────────────────────────────────

-- Raises unless the protocol permits the message. Returns its data as JSON text.
create or replace function rooms.check_message(room text, event text, data jsonb, id text, sender text) returns text
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
declare
  v_data text := data::text;
begin
  if room is null or event is null or data is null or id is null or sender is null then
    raise exception 'rooms.publish: room, event, data, id and sender must not be null'
      using errcode = 'null_value_not_allowed';
  end if;
  -- Channels of supabase-js have any name.
  if room !~ '^[^/]+/[A-Za-z0-9._~:-]{1,128}$'
    and not (room ~ '^realtime(-private)?/.' and octet_length(room) <= 200 + position('/' in room)) then
    raise exception 'rooms.publish: room "%" is not an endpoint, a slash and an id', left(room, 200)
      using errcode = 'invalid_parameter_value',
        hint = 'For example rooms/lobby. An id is 1 to 128 characters of A-Z a-z 0-9 . _ ~ : -';
  end if;
  if length(event) not between 1 and 64 then
    raise exception 'rooms.publish: event has % characters, and 1 to 64 are permitted', length(event)
      using errcode = 'invalid_parameter_value';
  end if;
  if length(id) not between 1 and 64 then
    raise exception 'rooms.publish: id has % characters, and 1 to 64 are permitted', length(id)
      using errcode = 'invalid_parameter_value';
  end if;
  if length(sender) not between 1 and 256 then
    raise exception 'rooms.publish: sender has % characters, and 1 to 256 are permitted', length(sender)
      using errcode = 'invalid_parameter_value';
  end if;
  if octet_length(v_data) > 65536 then
    raise exception 'rooms.publish: data has % bytes, and 65536 are permitted', octet_length(v_data)
      using errcode = 'invalid_parameter_value', hint = 'Publish an id, and let clients load the rest.';
  end if;
  -- Counting is cheap; most data has few levels.
  if length(v_data) - length(translate(v_data, '[{', '')) > 64
    and jsonb_path_exists(data, 'strict $.**{64} ? (@.type() == "object" || @.type() == "array")') then
    raise exception 'rooms.publish: data is nested deeper than 64 levels' using errcode = 'invalid_parameter_value';
  end if;
  return v_data;
end $$;

-- The old function took defaults, and would be as good a match for every call.
drop function if exists rooms.publish(text, text, jsonb, text, text, bigint);

-- Publishes when the transaction commits, and never if it does not. Messages of a room come in the order of
-- the calls. A repeated id of the same sender within the dedupe window is the same message. Raises for what
-- the protocol does not permit. Returns the id.
create or replace function rooms.publish(
  room text,
  event text,
  data jsonb,
  id text default gen_random_uuid()::text,
  sender text default 'postgres'
) returns text
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
declare
  -- JSON text has no character that needs an escape. Names hardly ever have one, and each call takes microseconds.
  v_data text := rooms.check_message(room, event, data, id, sender);
  v_names text[] := array[room, id, event, sender];
  v_now bigint := rooms.now_ms();
begin
  if array_to_string(v_names, '') ~ e'[\x10\x1e\x1f]' then
    v_names := array[rooms.escape(room), rooms.escape(id), rooms.escape(event), rooms.escape(sender)];
  end if;
  insert into rooms.staged (room, id, event, data, sender)
  values (v_names[1], v_names[2], v_names[3], v_data, v_names[4]);
  -- Not while an isolate polls, and not if nobody would hear it.
  if not exists (select from rooms.drainer d where d.polls_until > v_now)
    and exists (select from rooms.isolates i where i.expires_at > v_now and not i.polls) then
    perform rooms.notify('rooms:staged', '');
  end if;
  return id;
end $$;

-- For callers of the release before that name "user": stores at once, locks the room until the commit, and
-- returns the offset. The next release removes both. Calls that name nothing never reach them, because
-- every text is a better match for the text above than for bpchar.
create or replace function rooms.publish(
  room text, event text, data jsonb, id text, "user" bpchar, dedupe_ms bigint default 300000
) returns bigint
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
declare
  v_data text := rooms.check_message(room, event, data, id, "user"::text);
  v_room text := rooms.escape(room);
  v_channel text := rooms.channel_of(v_room);
begin
  return abs(rooms.publish_batch(
    array[v_room], array[v_channel], array[v_channel], array[1], array[null]::text[],
    array[rooms.escape(id)], array[rooms.escape(event)], array[v_data],
    array[rooms.escape("user"::text)], array[null]::text[], dedupe_ms
  )::bigint);
end $$;
create or replace function rooms.publish(
  room text, event text, data jsonb, "user" bpchar, dedupe_ms bigint default 300000
) returns bigint
language sql volatile set search_path = pg_catalog, pg_temp as $$
  select rooms.publish(room, event, data, gen_random_uuid()::text, "user", dedupe_ms)
$$;

-- ── Draining ────────────────────────────────────────────────────────────────────────────────────────

-- Locks a room, or returns false after 100 ms.
create or replace function rooms.wait_for_room(p_name text) returns boolean
language plpgsql volatile set lock_timeout = '100ms' set search_path = pg_catalog, pg_temp as $$
begin
  perform from rooms.rooms r where r.channel = rooms.channel_of(p_name) for no key update;
  return true;
exception when lock_not_available then
  return false;
end $$;

-- Stores the first staged messages, and leaves out rooms that another transaction has locked. Returns how
-- many rows are gone, and if there are more. No row comes back while another isolate drains.
create or replace function rooms.drain(p_isolate uuid, p_dedupe_ms bigint, p_limit int, p_poll_ms bigint)
returns table (drained int, has_more boolean)
language plpgsql volatile
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now bigint := rooms.now_ms();
  v_state rooms.drainer;
  v_locked text[] := array[]::text[];
  v_room text;
  v_seqs bigint[];
  v_names text[];
  v_channels text[];
  v_places int[];
  v_rooms text[];
  v_ids text[];
  v_events text[];
  v_data text[];
  v_senders text[];
  v_answers text[];
begin
  drained := 0;
  -- Without a lock: isolates look here again and again.
  perform from rooms.staged s order by s.seq limit 1;
  if not found then
    has_more := false;
    return next;
    return;
  end if;
  select * into v_state from rooms.drainer for update skip locked;
  if not found then
    -- Locked, or lost with a backup.
    if not exists (select from rooms.drainer) then
      insert into rooms.drainer default values on conflict do nothing;
    end if;
    return;
  end if;
  if v_state.isolate <> p_isolate and v_state.polls_until > v_now then
    return;
  end if;
  if v_state.isolate is distinct from p_isolate or v_state.polls_until < v_now + p_poll_ms / 2 then
    update rooms.drainer d set isolate = p_isolate, polls_until = v_now + p_poll_ms;
  end if;
  -- A busy room is locked nearly all the time, and would be left out for ever. No other room is locked yet.
  for v_room in
    select f.room from (select s.seq, s.room from rooms.staged s order by s.seq limit 100) as f
    group by f.room order by min(f.seq) limit 2
  loop
    exit when rooms.wait_for_room(v_room);
  end loop;
  -- Again without the locked rooms, if there is nothing else among the first messages.
  for v_attempt in 1..3 loop
    select array_agg(b.seq) into v_seqs from (
      select f.seq, sum(octet_length(f.data)) over (order by f.seq) - octet_length(f.data) as bytes_before
      from (
        select s.seq, s.data from rooms.staged s where s.room <> all (v_locked) order by s.seq limit p_limit
      ) as f
    ) as b where b.bytes_before < 1000000;
    exit when v_seqs is null;
    -- A message that is repeated within a batch is stored once.
    select array_agg(o.place), array_agg(o.room), array_agg(o.id), array_agg(o.event), array_agg(o.data),
      array_agg(o.sender)
    into v_places, v_rooms, v_ids, v_events, v_data, v_senders
    from (
      select dense_rank() over (order by u.room)::int as place, u.*
      from (
        select distinct on (s.room, s.sender, s.id) s.* from rooms.staged s where s.seq = any (v_seqs)
        order by s.room, s.sender, s.id, s.seq
      ) as u order by place, u.seq
    ) as o;
    select array_agg(n.room), array_agg(rooms.channel_of(n.room)) into v_names, v_channels
    from (
      select distinct p.place, p.room from unnest(v_places, v_rooms) as p(place, room) order by p.place
    ) as n;
    v_answers := string_to_array(rooms.publish_batch(
      v_names, v_channels, v_channels, v_places, array_fill(null::text, array[cardinality(v_places)]),
      v_ids, v_events, v_data, v_senders, array_fill(null::text, array[cardinality(v_places)]),
      p_dedupe_ms, true
    ), ',');
    select v_locked || coalesce(array_agg(distinct a.room), '{}') into v_locked
    from unnest(v_rooms, v_answers) as a(room, answer) where a.answer = 'l';
    delete from rooms.staged s where s.seq = any (v_seqs) and s.room <> all (v_locked);
    get diagnostics drained = row_count;
    exit when drained > 0;
  end loop;
  has_more := drained > 0 and exists (select from rooms.staged s where s.room <> all (v_locked) order by s.seq limit 1);
  return next;
end $$;

-- An isolate stops to poll: writers notify again at once.
create or replace function rooms.stop_draining(p_isolate uuid) returns void
language sql volatile set search_path = pg_catalog, pg_temp as $$
  update rooms.drainer d set polls_until = 0 where d.isolate = p_isolate
$$;

-- ── Isolates of the release before ──────────────────────────────────────────────────────────────────

-- Called by isolates of the release before, every few seconds: they go on to be told. They store what SQL has
-- published too, as long as no isolate of this release runs: before the function is deployed, or after it was
-- taken back.
create or replace function rooms.renew(p_isolate uuid, p_lease_ms bigint, p_grace_ms bigint, p_polls boolean)
returns boolean
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
declare
  v_was_alive boolean;
  v_has_more boolean;
begin
  update rooms.channel_key k set old_isolates_until = now() + interval '2 minutes'
  where not p_polls and k.old_isolates_until < now() + interval '1 minute';
  v_was_alive := rooms.renew_lease(p_isolate, p_lease_ms, p_grace_ms, p_polls);
  begin
    for v_step in 1..4 loop
      select d.has_more into v_has_more from rooms.drain(p_isolate, 300000, 500, 0) as d;
      exit when v_has_more is not true;
    end loop;
  exception when others then
    -- The lease must not end for it.
  end;
  return v_was_alive;
end $$;

-- ── Comments and grants ─────────────────────────────────────────────────────────────────────────────

comment on table rooms.staged is 'Messages of rooms.publish() that no isolate has stored yet.';
comment on table rooms.drainer is 'The isolate that stores staged messages.';
comment on function rooms.check_message(text, text, jsonb, text, text) is
  'Raises unless the protocol permits the message. Returns its data as JSON text.';
comment on function rooms.drain(uuid, bigint, int, bigint) is 'Stores staged messages. One isolate does so at a time.';
comment on function rooms.stop_draining(uuid) is 'Says that an isolate no longer polls staged messages.';
comment on function rooms.wait_for_room(text) is 'Locks a room, or returns false after 100 ms.';
comment on function rooms.publish(text, text, jsonb, text, text) is
  'Publishes a message to a room when the transaction commits. Returns its id.';
comment on function rooms.publish(text, text, jsonb, text, bpchar, bigint) is 'Deprecated: name "sender" instead of "user".';
comment on function rooms.publish(text, text, jsonb, bpchar, bigint) is 'Deprecated: name "sender" instead of "user".';

do $$
declare
  v_function regprocedure;
begin
  foreach v_function in array array[
    'rooms.check_message(text, text, jsonb, text, text)',
    'rooms.publish(text, text, jsonb, text, text)',
    'rooms.publish(text, text, jsonb, text, bpchar, bigint)',
    'rooms.publish(text, text, jsonb, bpchar, bigint)',
    'rooms.wait_for_room(text)',
    'rooms.drain(uuid, bigint, int, bigint)',
    'rooms.stop_draining(uuid)'
  ]::regprocedure[] loop
    execute format('revoke all on function %s from public, anon, authenticated', v_function);
    execute format('grant execute on function %s to service_role', v_function);
  end loop;
end $$;
revoke all on rooms.staged, rooms.drainer from public, anon, authenticated;
grant select, insert, update, delete on rooms.staged, rooms.drainer to service_role;
grant usage on sequence rooms.staged_seq_seq to service_role;
revoke all on sequence rooms.staged_seq_seq from public, anon, authenticated;
