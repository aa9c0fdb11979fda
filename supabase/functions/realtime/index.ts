/**
 * The function's entry: serves the app, on Supabase Edge Functions or by itself with
 * `deno run --allow-net --allow-env supabase/functions/realtime/index.ts`.
 */
import { serve } from "@realtime-edge/server";
import { app } from "./app.ts";

serve(app);
