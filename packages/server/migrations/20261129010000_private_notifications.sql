-- Notifications whose channels nobody can guess, functions with a fixed search_path, and comments. Runs again
-- without harm, and takes no lock that waits for readers or writers.
--
-- Postgres has no privileges on channels: a role that may only log in can listen and notify on any name that it
-- knows. So the name is the secret. It holds a random key that only the owner and service_role can read.
--
-- search_path names pg_temp, and last. Otherwise Postgres looks for types in the temporary schema first, and a
-- function that runs with somebody else's rights would use a "text" that the session has made.

create or replace function rooms.schema_version() returns int
language sql immutable set search_path = pg_catalog, pg_temp as $$ select 2 $$;

-- ── Key ─────────────────────────────────────────────────────────────────────────────────────────────

create table if not exists rooms.channel_key (
  is_only boolean primary key default true check (is_only),
  -- 22 characters of 6 bits.
  key text not null default left(translate(encode(sha256(
    uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())
  ), 'base64'), '+/', '-_'), 22),
  -- Isolates of the release before may run until then. They listen on channels without the key.
  old_isolates_until timestamptz not null default '-infinity'
);
insert into rooms.channel_key (old_isolates_until)
select case when exists (select from rooms.isolates i where i.expires_at > rooms.now_ms())
  then now() + interval '10 minutes' else '-infinity' end
on conflict do nothing;

-- Sends a notification to a channel. The private name has 63 bytes at most: a letter, the key, and the part of
-- the name that is the room's hash. The engine computes the same.
create or replace function rooms.notify(p_channel text, p_payload text) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
declare
  v_private text;
  v_has_old boolean;
begin
  select 'r' || k.key || right(p_channel, 40), k.old_isolates_until > now()
  into strict v_private, v_has_old from rooms.channel_key k;
  perform pg_notify(v_private, p_payload);
  if v_has_old then
    perform pg_notify(p_channel, p_payload);
  end if;
end $$;

-- Starts to listen on each private channel, and stops on each that has '-' in front. A LISTEN of the client would
-- show its channel to every role that may read pg_stat_activity, or the server's log.
create or replace function rooms.listen(p_private text[]) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
declare
  v_private text;
begin
  foreach v_private in array p_private loop
    if v_private like '-%' then
      execute format('unlisten %I', substr(v_private, 2));
    else
      execute format('listen %I', v_private);
    end if;
  end loop;
end $$;

-- Tells a room records: as in the first migration, to the private channel.
create or replace function rooms.tell(p_channel text, p_epoch text, p_records text[]) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
declare
  v_payload text := p_epoch || e'\x1e' || array_to_string(p_records, e'\x1e');
  v_record text;
  v_place int := 0;
  v_id bigint;
begin
  -- Then none of the records is longer than what is told by itself below.
  if octet_length(v_payload) <= 7900 then
    perform rooms.notify(p_channel, v_payload);
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
      perform rooms.notify(p_channel, v_payload);
      v_payload := null;
    end if;
    -- The number keeps Postgres from taking two that are alike for one.
    v_payload := coalesce(v_payload, p_epoch || e'\x1e#' || v_place) || e'\x1e' || v_record;
  end loop;
  perform rooms.notify(p_channel, v_payload);
end $$;

-- ── Isolates of the release before ──────────────────────────────────────────────────────────────────

-- An isolate lives on; true when it had counted as alive without a break.
create or replace function rooms.renew_lease(
  p_isolate uuid, p_lease_ms bigint, p_grace_ms bigint, p_polls boolean
) returns boolean
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
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

-- ── Fixed search_path ───────────────────────────────────────────────────────────────────────────────

-- Small functions, called once or a few times per statement: Postgres compiles PL/pgSQL once per session, but
-- plans an SQL function that has a search_path anew for each statement.

create or replace function rooms.now_ms() returns bigint
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
begin
  return (extract(epoch from clock_timestamp()) * 1000)::bigint;
end $$;

create or replace function rooms.channel_of(p_name text) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  return 'rooms:' || left(encode(sha256(convert_to(p_name, 'UTF8')), 'hex'), 40);
end $$;

create or replace function rooms.key_of(p_user text, p_id text) returns bytea
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  return int8send(hashtextextended(p_id, hashtextextended(p_user, 0)));
end $$;

create or replace function rooms.record_of(m rooms.messages) returns text
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
  return concat_ws(
    e'\x1f', 'm', m."offset", m.at, m.id, m.event, m."user", coalesce('=' || m.connection, ''), m.data
  );
end $$;

create or replace function rooms.escape(p_text text) returns text
language plpgsql immutable strict set search_path = pg_catalog, pg_temp as $$
begin
  return replace(replace(replace(p_text, e'\x10', e'\x10' || '0010'), e'\x1e', e'\x10' || '001e'), e'\x1f', e'\x10' || '001f');
end $$;

-- Every other function. rooms.enter and rooms.resume renew a lease that has ended: they must not report an isolate
-- of the release before, as rooms.renew does.
do $$
declare
  v_function regprocedure;
begin
  for v_function in select p.oid from pg_proc p where p.pronamespace = 'rooms'::regnamespace and p.prokind = 'f' loop
    execute replace(pg_get_functiondef(v_function), 'perform rooms.renew(', 'perform rooms.renew_lease(');
    execute format('alter function %s set search_path = pg_catalog, pg_temp', v_function);
  end loop;
end $$;

-- ── Comments ────────────────────────────────────────────────────────────────────────────────────────

comment on schema rooms is
  'Realtime Edge: rooms that isolates share. Not for clients: only service_role and the owner have rights. rooms.publish() is for your own SQL.';
comment on table rooms.channel_key is
  'Secret part of the names of notification channels, in one row. After a change every isolate connects again within 15 seconds.';
comment on table rooms.rooms is 'Rooms with their epoch and the offset of the last message.';
comment on table rooms.messages is 'Durable messages within retention.';
comment on table rooms.passing is 'Records that do not fit into a notification. They live for a minute.';
comment on table rooms.isolates is 'Running isolates, and until when each counts as alive.';
comment on table rooms.presence_versions is 'Number of presence changes of each room.';
comment on table rooms.presence is 'Members that are present, with their state.';

do $$
declare
  v_comment record;
begin
  for v_comment in
    select p.oid::regprocedure as function, c.text from (values
      ('channel_of', 'Name by which a room is looked up. It is no secret.'),
      ('enter', 'Enters a member into presence, or changes its state.'),
      ('escape', 'Text as it is stored: without the characters that separate records and fields.'),
      ('key_of', 'Short hash of sender and id, which finds a repeated message.'),
      ('leave', 'Removes a member from presence.'),
      ('linger', 'Begins the disconnect grace period of a member.'),
      ('listen', 'Starts and stops to listen on private channels.'),
      ('lock_presence', 'Waits until nobody else changes presence in the room.'),
      ('lose', 'Begins the disconnect grace period of all members of isolates that are gone.'),
      ('lose_tail', 'Gives a room that lost messages another epoch.'),
      ('make', 'Makes the rooms that do not exist.'),
      ('missed', 'Messages after an offset.'),
      ('notify', 'Sends a notification to the private channel of a name.'),
      ('now_ms', 'The one clock of all isolates, in milliseconds since 1970.'),
      ('page', 'A page of history.'),
      ('present', 'Members that are present, as records.'),
      ('publish', 'Publishes a message within the transaction of the caller. Returns its offset.'),
      ('publish_batch', 'Stores and tells the messages of one tick of an isolate.'),
      ('publish_one', 'Stores and tells one durable message.'),
      ('record_of', 'A message as the record that notifications have of it.'),
      ('renew', 'Renews the lease of an isolate of the release before.'),
      ('renew_lease', 'Renews the lease of an isolate. True if it had counted as alive all the time.'),
      ('resume', 'Hands a presence entry over to a member that resumes.'),
      ('schema_version', 'Version of this schema, which each migration raises.'),
      ('snapshots', 'State of rooms at one moment, as far as the caller does not know it.'),
      ('sweep', 'Removes members whose grace period is over, and records that have passed.'),
      ('tell', 'Sends records to the isolates that follow a room.'),
      ('tell_presence', 'Sends a change of presence to the isolates that follow a room.'),
      ('trim', 'One step of the walk over all rooms, for isolates of the release before.')
    ) as c(name, text) join pg_proc p on p.proname = c.name and p.pronamespace = 'rooms'::regnamespace
    -- A later migration may have said more.
    where obj_description(p.oid, 'pg_proc') is null
  loop
    execute format('comment on function %s is %L', v_comment.function, v_comment.text);
  end loop;
end $$;

-- ── Grants ──────────────────────────────────────────────────────────────────────────────────────────

do $$
begin
  if not (select relrowsecurity from pg_class where oid = 'rooms.channel_key'::regclass) then
    alter table rooms.channel_key enable row level security;
    -- Members of service_role, of which some have no bypassrls.
    create policy "service_role reads the key" on rooms.channel_key for select to service_role using (true);
  end if;
end $$;
revoke all on rooms.channel_key from public, anon, authenticated;
grant select, insert, update, delete on rooms.channel_key to service_role;
revoke all on function rooms.notify(text, text) from public, anon, authenticated;
revoke all on function rooms.listen(text[]) from public, anon, authenticated;
revoke all on function rooms.renew_lease(uuid, bigint, bigint, boolean) from public, anon, authenticated;
grant execute on function rooms.notify(text, text) to service_role;
grant execute on function rooms.listen(text[]) to service_role;
grant execute on function rooms.renew_lease(uuid, bigint, bigint, boolean) to service_role;
