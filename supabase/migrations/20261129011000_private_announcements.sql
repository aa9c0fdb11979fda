-- Announcements of changed permissions on a channel that nobody can guess, functions with a fixed search_path, and
-- comments. Needs schema rooms. Runs again without harm.

create or replace function room_access.schema_version() returns int
language sql immutable set search_path = pg_catalog, pg_temp as $$ select 2 $$;

-- Policies call it for each question. PL/pgSQL is compiled once per session.
create or replace function room_access.room() returns text
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  return nullif(current_setting('rooms.room', true), '');
end $$;

alter function room_access.binds(text) set search_path = pg_catalog, pg_temp;
-- It runs with the owner's rights in anybody's session. An empty path looks for types in the temporary schema first:
-- a domain named "text" there ran its check with those rights.
alter function room_access.permissions_changed() set search_path = pg_catalog, pg_temp;

-- What may be done in a room by whom a token is: as in the first migration, with a fixed search_path for its own
-- statements. Functions that policies call have the caller's, as they count on the usual one.
create or replace function room_access.permitted(
  p_room text, p_role text, p_claims text, p_search_path text default current_setting('search_path')
) returns text
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
declare
  v_role text := current_setting('role');
  v_actions text;
begin
  if not coalesce(room_access.binds(p_role), false) then
    return '';
  end if;
  perform set_config('rooms.room', p_room, true),
    set_config('request.jwt.claims', p_claims, true),
    -- Older versions of auth.uid() and its like look here first; behind a pooler they may be somebody else's.
    set_config('request.jwt.claim', '', true),
    set_config('request.jwt.claim.sub', '', true),
    set_config('request.jwt.claim.role', '', true),
    set_config('request.jwt.claim.email', '', true);
  -- From here on with that role's rights, and until the end of the transaction if something is raised.
  perform pg_catalog.set_config('role', p_role, true), pg_catalog.set_config('search_path', p_search_path, true);
  select pg_catalog.string_agg(p.action, ',') into v_actions from room_access.permissions p;
  perform pg_catalog.set_config('role', v_role, true), pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
  perform set_config('rooms.room', '', true), set_config('request.jwt.claims', '', true);
  return coalesce(v_actions, '');
end $$;
-- Isolates of the release before leave out the last argument.
drop function if exists room_access.permitted(text, text, text);

-- Says that what somebody may do has changed: as in the first migration, on the private channel. Whoever may call
-- it need not be able to read the key.
create or replace function room_access.announce(room text, "user" text) returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_payload text := json_build_array(room, "user")::text;
begin
  -- What does not fit into a notification is no id of a room or user; to look at everybody is right whatever it is.
  if octet_length(v_payload) > 7900 then
    v_payload := '[null,null]';
  end if;
  perform rooms.notify('rooms:permissions', v_payload);
end $$;

-- Isolates of the release before that keep rooms in Redis have no lease here. On Supabase they end within minutes.
update rooms.channel_key set old_isolates_until = now() + interval '10 minutes'
where old_isolates_until < now() and exists (
  select from pg_policies where schemaname = 'room_access' and tablename = 'permissions'
);

-- ── Comments ────────────────────────────────────────────────────────────────────────────────────────

comment on schema room_access is
  'Realtime Edge: row level security as the policy of rooms (ROOM_POLICY=rls). Policies on room_access.permissions decide.';
comment on table room_access.permissions is
  'One row for each action. A user who can see the row may do it in the room that room_access.room() names.';
comment on function room_access.schema_version() is 'Version of this schema, which each migration raises.';
comment on function room_access.room() is 'Room that a policy is asked about: its id as in the address.';
comment on function room_access.binds(text) is
  'True for a role that a token may name: one with a grant of its own, and that policies bind.';
comment on function room_access.permitted(text, text, text, text) is
  'Actions that the policies permit a role with these claims in a room, separated by commas.';
comment on function room_access.announce(text, text) is
  'Says that permissions of a user in a room have changed. Null stands for any.';
comment on function room_access.permissions_changed() is
  'Trigger: announces what a changed row is about. Arguments: the columns with the id of the room and of the user.';

-- ── Grants ──────────────────────────────────────────────────────────────────────────────────────────

revoke all on function room_access.permitted(text, text, text, text) from public;
grant execute on function room_access.permitted(text, text, text, text) to service_role;
