#!/usr/bin/env bash
# A standby: copies the primary once, onto an empty volume, and follows it from then on. Run in `postgresql-standby`.
set -euo pipefail
# The password in a file of its own: it would else stand in the settings that every superuser can read.
(umask 077 && echo "*:*:*:archive:$(cat /run/secrets/archive)" >/tmp/pgpass)
if [[ ! -s $PGDATA/PG_VERSION ]]; then
  export PGPASSFILE=/tmp/pgpass PGHOST=postgresql PGUSER=archive
  rm -rf "${PGDATA:?}"/* # what a copy that was cut short left behind
  chmod 0700 "$PGDATA"
  # And its slot, or that of a standby that was lost; one that another standby uses stays, and ends this below.
  pg_receivewal --no-password --slot=standby --drop-slot 2>/dev/null || true
  pg_basebackup --no-password --pgdata="$PGDATA/copy" --wal-method=stream --checkpoint=fast --create-slot --slot=standby
  touch "$PGDATA/copy/standby.signal"
  # By this file a copy counts as whole, so it comes last: half a copy must not start, and nothing else makes it a standby.
  find "$PGDATA/copy" -mindepth 1 -maxdepth 1 ! -name PG_VERSION -exec mv -t "$PGDATA" {} +
  mv "$PGDATA/copy/PG_VERSION" "$PGDATA"
  rmdir "$PGDATA/copy"
  unset PGPASSFILE PGHOST PGUSER
fi
exec postgres -c config_file=/etc/concord/postgresql.conf \
  -c primary_conninfo='host=postgresql user=archive passfile=/tmp/pgpass application_name=standby connect_timeout=5' \
  -c primary_slot_name=standby
