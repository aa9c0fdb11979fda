-- Empty arrays with a type, without which `supabase db lint` warns of a cast. Runs again without harm.

create or replace function rooms.schema_version() returns int
language sql immutable set search_path = pg_catalog, pg_temp as $$ select 7 $$;

do $$
declare
  v_function regprocedure;
begin
  for v_function in
    select p.oid from pg_proc p
    where p.pronamespace = 'rooms'::regnamespace and p.proname in ('drain', 'trim_step')
  loop
    execute replace(replace(
      pg_get_functiondef(v_function),
      'v_locked text[] := ''{}''', 'v_locked text[] := array[]::text[]'),
      'v_empty bigint[] := ''{}''', 'v_empty bigint[] := array[]::bigint[]');
  end loop;
end $$;
