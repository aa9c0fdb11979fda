// deno-lint-ignore no-import-prefix -- the function imports supabase-js, not the root; same version here
import type * as supabase from "npm:@supabase/supabase-js@2.119.1";

/** Exports of the package. */
export type SupabaseJs = typeof supabase;
export type SupabaseClient = supabase.SupabaseClient;
export type RealtimeChannel = supabase.RealtimeChannel;
export type ChannelConfig = supabase.RealtimeChannelOptions["config"];
