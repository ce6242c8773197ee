#!/usr/bin/env bash
# Run once, by PostgreSQL's own entry point, on an empty volume: a role and a database for each service, and nothing for anybody else.
set -euo pipefail
for service in directory consent messaging; do
  password=$(cat "/run/secrets/postgresql/$service")
  psql -v ON_ERROR_STOP=1 -U postgres <<SQL
CREATE ROLE $service LOGIN PASSWORD '$password';
CREATE DATABASE $service OWNER $service;
REVOKE ALL ON DATABASE $service FROM PUBLIC;
SQL
done
