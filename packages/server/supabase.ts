/**
 * The endpoint for supabase-js: `supabase.channel()` of an unmodified client, on these rooms
 * (docs/supabase-js.md).
 * @module
 */
export { supabaseChannels, type SupabaseChannelsOptions } from "./src/http/channels/supabase_channels.ts";
