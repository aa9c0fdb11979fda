-- Who may do what in rooms, said by row level security (ROOM_POLICY=rls; supabase/functions/realtime/permissions/). Runs again without
-- harm. docs/rooms.md, "Row level security", is the guide.
--
-- A schema of its own: policies are evaluated as anon or authenticated, who must be able to use it, and schema rooms is closed to them.

create schema if not exists room_access;

-- One row for each thing that can be done in a room: whoever sees the row may do it in the room that room_access.room() names. The rows
-- never change and hold nothing, so a question writes nothing.
create table if not exists room_access.permissions (
  action text primary key check (action in ('join', 'publish', 'presence', 'history'))
);
insert into room_access.permissions (action) values ('join'), ('publish'), ('presence'), ('history')
on conflict do nothing;
-- Without a policy nobody may do anything.
alter table room_access.permissions enable row level security;

-- What the function compares with what it needs.
create or replace function room_access.schema_version() returns int
language sql immutable as $$ select 1 $$;

-- The room that is asked about: its id as in the address. For policies.
create or replace function room_access.room() returns text
language sql stable as $$ select nullif(pg_catalog.current_setting('rooms.room', true), '') $$;

-- Whether a token's role may be taken on: one that was granted the table by name, and that policies bind. Never a superuser, a role with
-- bypassrls (service_role has it) or the table's owner, whatever they were granted.
create or replace function room_access.binds(p_role text) returns boolean
language sql stable as $$
  select exists (
    select from pg_catalog.pg_class c
    cross join lateral pg_catalog.aclexplode(c.relacl) as granted
    join pg_catalog.pg_roles r on r.oid = granted.grantee
    where c.oid = 'room_access.permissions'::pg_catalog.regclass and granted.privilege_type = 'SELECT'
      and r.rolname = p_role and not r.rolsuper and not r.rolbypassrls
      and not pg_catalog.pg_has_role(r.oid, c.relowner, 'USAGE')
  )
$$;

-- What may be done in a room by whom a token is: actions, separated by commas. Role and claims are set as PostgREST sets them, for this
-- question only. No search_path of its own: functions that policies call count on the usual one.
create or replace function room_access.permitted(p_room text, p_role text, p_claims text) returns text
language plpgsql volatile as $$
declare
  v_role text := pg_catalog.current_setting('role');
  v_actions text;
begin
  if not coalesce(room_access.binds(p_role), false) then
    return '';
  end if;
  perform pg_catalog.set_config('rooms.room', p_room, true),
    pg_catalog.set_config('request.jwt.claims', p_claims, true),
    -- Older versions of auth.uid() and its like look here first; behind a pooler they may be somebody else's.
    pg_catalog.set_config('request.jwt.claim', '', true),
    pg_catalog.set_config('request.jwt.claim.sub', '', true),
    pg_catalog.set_config('request.jwt.claim.role', '', true),
    pg_catalog.set_config('request.jwt.claim.email', '', true);
  -- From here on with that role's rights, and until the end of the transaction if something is raised.
  perform pg_catalog.set_config('role', p_role, true);
  select pg_catalog.string_agg(p.action, ',') into v_actions from room_access.permissions p;
  perform pg_catalog.set_config('role', v_role, true);
  perform pg_catalog.set_config('rooms.room', '', true), pg_catalog.set_config('request.jwt.claims', '', true);
  return coalesce(v_actions, '');
end $$;

-- Says that what somebody may do has changed, when the transaction is committed: members of the room who are the user are looked at again
-- at once. Null stands for any room, or any user.
create or replace function room_access.announce(room text, "user" text) returns void
language plpgsql volatile as $$
declare
  v_payload text := pg_catalog.json_build_array(room, "user")::text;
begin
  -- What does not fit into a notification is no id of a room or user; to look at everybody is right whatever it is.
  if octet_length(v_payload) > 7900 then
    v_payload := '[null,null]';
  end if;
  perform pg_catalog.pg_notify('rooms:permissions', v_payload);
end $$;

-- For triggers on tables that policies read: announces what an inserted, updated or deleted row is about. Arguments: the column that
-- holds the room's id, and the one that holds the user's; '' stands for any. As a trigger for each statement it announces everything, as
-- truncate needs.
create or replace function room_access.permissions_changed() returns trigger
-- Whoever changes the row need not be allowed anything here.
language plpgsql security definer set search_path = '' as $$
declare
  v_room text := coalesce(tg_argv[0], '');
  v_user text := coalesce(tg_argv[1], '');
  v_row jsonb;
begin
  if tg_level = 'STATEMENT' then
    perform room_access.announce(null, null);
    return null;
  end if;
  -- Both: a row may have been moved from one room or user to another.
  foreach v_row in array array[
    case when tg_op <> 'INSERT' then to_jsonb(old) end, case when tg_op <> 'DELETE' then to_jsonb(new) end
  ] loop
    continue when v_row is null;
    if (v_room <> '' and not v_row ? v_room) or (v_user <> '' and not v_row ? v_user) then
      raise exception 'permissions_changed: % has no column % or no column %', tg_relid::regclass, v_room, v_user
        using errcode = 'undefined_column';
    end if;
    perform room_access.announce(v_row ->> nullif(v_room, ''), v_row ->> nullif(v_user, ''));
  end loop;
  return null;
end $$;

-- ── Grants ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

-- Select on the table is the list of roles that a token may name: grant it, with usage, to a role of your own to add that one.
revoke all on schema room_access from public;
revoke all on all functions in schema room_access from public;
grant usage on schema room_access to anon, authenticated, service_role;
grant select on room_access.permissions to anon, authenticated;
grant execute on function room_access.room() to anon, authenticated, service_role;
grant execute on function room_access.schema_version() to service_role;
grant execute on function room_access.binds(text) to service_role;
grant execute on function room_access.permitted(text, text, text) to service_role;
grant execute on function room_access.announce(text, text) to service_role;
