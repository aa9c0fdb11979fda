# The function as a container, for hosts other than Supabase Edge Functions:
#   docker build -t realtime-edge . && docker run -p 8000:8000 --env-file .env realtime-edge
# Variables: docs/configuration.md.
FROM denoland/deno:2.9.6

WORKDIR /app
# The image's user `deno`, as a number: hosts can tell that it is not root.
USER 1993:1993

# HOST is the container's own address, not loopback: the port is published from outside.
ENV HOST=0.0.0.0 \
    PORT=8000 \
    NO_COLOR=1 \
    DENO_NO_UPDATE_CHECK=1

COPY deno.json deno.lock ./
COPY packages/ packages/
COPY supabase/functions/realtime/ supabase/functions/realtime/

# Downloads every dependency, those of dynamic imports too; a start needs no registry.
RUN ["deno", "cache", "--frozen", "supabase/functions/realtime/index.ts"]

EXPOSE 8000

HEALTHCHECK --interval=10s --timeout=5s --start-period=10s \
    CMD ["deno", "eval", "--no-config", "const { ok } = await fetch(`http://127.0.0.1:${Deno.env.get('PORT')}/realtime/health`); Deno.exit(ok ? 0 : 1)"]

# SIGTERM drains within DRAIN_SECONDS (8 by default) and ends at most 2 seconds later. Docker kills
# after 10 seconds; `docker stop --time 15` leaves more.
CMD ["run", "--allow-net", "--allow-env", "--no-prompt", "--cached-only", "--frozen", "supabase/functions/realtime/index.ts"]
