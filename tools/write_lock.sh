#!/usr/bin/env bash
# Writes deno.lock anew after a dependency has changed. With Deno 2.1.4: it reads lock files up to version 4, and the
# newest Deno reads those too, while a lock that the newest writes (version 5) would shut 2.1.4 out.
set -euo pipefail
cd "$(dirname "$0")/.."
# Deno 2.1.4 otherwise trusts only its own list of authorities.
export DENO_TLS_CA_STORE="${DENO_TLS_CA_STORE:-system}"
new=$(mktemp -u)
# Everything that the code imports, and everything that an import map names: the newest Deno wants both in the lock.
{
  git ls-files --cached --others --exclude-standard '*.ts' | grep -v '\.d\.ts$'
  grep -ho '"npm:[^"]*[^/"]"' deno.json packages/*/deno.json supabase/functions/realtime/deno.json | tr -d '"'
} | xargs npx -y deno@2.1.4 cache --lock="$new" --frozen=false
mv "$new" deno.lock
