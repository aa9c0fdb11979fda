-- rooms.position(): the place in a room from which a client goes on. Runs again without harm.

create or replace function rooms.schema_version() returns int
language sql immutable set search_path = pg_catalog, pg_temp as $$ select 6 $$;

-- Position of a room: everything after it comes to a client that joins with both. Before the first message
-- it is '' and 0. Stable, so that it belongs to the same moment as the rest of the statement: whatever a
-- statement loads has the changes of all messages up to the position.
create or replace function rooms.position(room text) returns table (epoch text, "offset" bigint)
language plpgsql stable rows 1
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  select r.epoch, r.head from rooms.rooms r
  where r.channel = rooms.channel_of(rooms.escape(room)) and r.head > 0;
  if not found then
    return query select '', 0::bigint;
  end if;
end $$;

comment on function rooms.position(text) is
  'Position of a room, to load with its state in one statement: join with after=offset and epoch.';

revoke all on function rooms.position(text) from public, anon, authenticated;
grant execute on function rooms.position(text) to service_role;
