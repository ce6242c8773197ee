#!/usr/bin/env bash
# Keeps every change of PostgreSQL on a volume of its own, byte by byte as it is made. Run in the container
# `postgresql-archive`; a slot on the server keeps what could not be taken yet. With `check`: whether it takes them now.
set -euo pipefail
# Whichever of them takes writes; a deployment without a standby has the first alone.
export PGPASSWORD PGHOST=postgresql,postgresql-standby PGTARGETSESSIONATTRS=primary PGUSER=archive PGCONNECT_TIMEOUT=5
PGPASSWORD=$(cat /run/secrets/archive)
folder=/var/lib/postgresql/data/wal

answer() { psql --no-password --dbname=postgres -AtqXc "$1"; }

if [[ ${1:-} == check ]]; then
  state=$(answer "SELECT CASE WHEN wal_status = 'lost' THEN 'lost' WHEN active THEN 'in use' ELSE 'not in use' END
                  FROM pg_replication_slots WHERE slot_name = 'archive'")
  echo "the slot of the archive: ${state:-there is none}"
  [[ $state == 'in use' ]]
  exit
fi

mkdir -p "$folder"
trap 'kill -INT "$child" 2>/dev/null; wait "$child"; exit 0' TERM INT
while true; do
  pg_receivewal --directory="$folder" --slot=archive --create-slot --if-not-exists --no-password || true
  # --synchronous: written to the disk as it comes, and told to the server, so that a server may wait for it.
  pg_receivewal --directory="$folder" --slot=archive --synchronous --no-loop --no-password & child=$!
  wait "$child" || sleep 2
  if [[ $(answer "SELECT wal_status FROM pg_replication_slots WHERE slot_name = 'archive'" || true) == lost ]]; then
    echo "error: the archive was away for too long: changes are gone before it could take them" >&2
    echo "hint: docs/operations.md, Back up, says how it begins anew; until then a restore loses what came after" >&2
  fi
done
