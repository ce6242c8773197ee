#!/usr/bin/env bash
# Run once, by PostgreSQL's own entry point, on an empty volume: a role and a database for each service, and nothing for
# anybody else. Passwords go in by standard input, never by an argument that `ps` would show.
set -euo pipefail
for service in directory consent messaging; do
  psql -q -v ON_ERROR_STOP=1 -U postgres <<SQL
CREATE ROLE $service LOGIN PASSWORD '$(cat "/run/secrets/postgresql/$service")';
CREATE DATABASE $service OWNER $service;
REVOKE ALL ON DATABASE $service FROM PUBLIC;
SQL
done
# Whoever copies the log of changes: the archive, and a standby.
psql -q -v ON_ERROR_STOP=1 -U postgres <<SQL
CREATE ROLE archive LOGIN REPLICATION PASSWORD '$(cat /run/secrets/postgresql/archive)';
SQL
echo 'host replication archive all scram-sha-256' >>"$PGDATA/pg_hba.conf"
