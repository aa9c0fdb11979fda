-- Values that are taken once, for tickets. Runs again without harm.

create or replace function rooms.schema_version() returns int
language sql immutable set search_path = pg_catalog, pg_temp as $$ select 7 $$;

-- Unlogged: nothing of a value is in the write-ahead log or in a standby, a commit waits for no disk, and a
-- crash empties the table, so that no value is taken twice.
create unlogged table if not exists rooms.one_use_values (
  -- Hash of the ticket.
  key text primary key,
  -- Encrypted with the ticket.
  value text not null,
  -- In milliseconds since 1970.
  expires_at bigint not null
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);

create index if not exists one_use_values_expires_at on rooms.one_use_values (expires_at);

alter table rooms.one_use_values enable row level security;

-- Stores a value until it is taken, for p_ttl_ms at most. Replaces the one of the same key.
create or replace function rooms.put_value(p_key text, p_value text, p_ttl_ms bigint) returns void
language sql volatile set search_path = pg_catalog, pg_temp as $$
  insert into rooms.one_use_values (key, value, expires_at)
  values (p_key, p_value, rooms.now_ms() + p_ttl_ms)
  on conflict (key) do update set value = excluded.value, expires_at = excluded.expires_at
$$;

-- Removes a value and returns it: to one caller. Null if there is none, or if it has expired.
create or replace function rooms.take_value(p_key text) returns text
language sql volatile set search_path = pg_catalog, pg_temp as $$
  delete from rooms.one_use_values v
  where v.key = p_key and v.expires_at > rooms.now_ms()
  returning v.value
$$;

-- Removes expired values, and leaves out those that somebody else removes at this moment.
create or replace function rooms.remove_expired_values() returns void
language sql volatile set search_path = pg_catalog, pg_temp as $$
  delete from rooms.one_use_values v where v.key in (
    select e.key from rooms.one_use_values e where e.expires_at <= (select rooms.now_ms())
    order by e.expires_at limit 10000 for update skip locked
  )
$$;

comment on table rooms.one_use_values is 'Values that are taken once, for tickets.';
comment on function rooms.put_value(text, text, bigint) is 'Stores a value that is taken once, until it expires.';
comment on function rooms.take_value(text) is 'Removes a value and returns it, to one caller.';
comment on function rooms.remove_expired_values() is 'Removes one-use values that have expired.';

do $$
declare
  v_function regprocedure;
begin
  foreach v_function in array array[
    'rooms.put_value(text, text, bigint)',
    'rooms.take_value(text)',
    'rooms.remove_expired_values()'
  ]::regprocedure[] loop
    execute format('revoke all on function %s from public, anon, authenticated', v_function);
    execute format('grant execute on function %s to service_role', v_function);
  end loop;
end $$;
revoke all on rooms.one_use_values from public, anon, authenticated;
grant select, insert, update, delete on rooms.one_use_values to service_role;
