/**
 * The secret alone, as it is: psql quotes it for SQL, and sed for `.pgpass`, whose lines hold neither control characters nor the
 * end of a line: libpq, PGPASSFILE.
 */
const password = '/etc/postgresql/larder-replicator.password'
const secret = `  - file: ${password}
    secret: postgresql-replication
    mode: "0600"
    owner: postgres
    group: postgres
    validate: [/bin/sh, -c, "test $(tr -d '[:cntrl:]' <$0 | wc -c) = $(wc -c <$0) || { echo 'The secret postgresql-replication has several lines or control characters, which .pgpass cannot hold.' >&2; exit 1; }", "%s"]
`

const pgpass = `sed -e 's/[\\\\:]/\\\\&/g' -e 's/^/*:*:*:replicator:/' ${password}`

/** What both are. */
const server = `  - package: "postgresql-{{version}}"
    recommends: false
  - file: "/etc/postgresql/{{version}}/main/conf.d/larder.conf"
    inline: |
      listen_addresses = '{{listen}}'
      wal_level = replica
      max_wal_senders = 10
      max_replication_slots = 10
      hot_standby = on
      wal_keep_size = '256MB'
    owner: postgres
    group: postgres
    notify: service:postgresql
  - file: "/etc/postgresql/{{version}}/main/pg_hba.conf"
    inline: |
      # Written by Larder.
      local all postgres peer
      local all all peer
      host all all 127.0.0.1/32 scram-sha-256
      host all all ::1/128 scram-sha-256
      host all all {{allow}} scram-sha-256
      host replication replicator {{allow}} scram-sha-256
    mode: "0640"
    owner: postgres
    group: postgres
    notify: service:postgresql
`

/**
 * A primary, and replicas that stream from it. Which machine has which role is declared: a replica that gets the role
 * `postgresql` is promoted; a former primary that gets `postgresql-replica` becomes a copy of the new one, and what it had is
 * kept beside. Debian and Ubuntu.
 */
export const postgresqlRole = `
description: PostgreSQL that takes writes, and that replicas follow
variables: { version: "15", listen: "*", allow: samenet }
resources:
${server}  - service: postgresql
    ready: { command: "runuser -u postgres -- psql -Atqc 'select 1'" }
  - command: "PostgreSQL: promoted"
    run: psql -Atqc 'select pg_promote(true, 120)'
    only-if: test "$(psql -Atqc 'select pg_is_in_recovery()')" = t
    user: postgres
    after: service:postgresql
${secret}    notify: "command:PostgreSQL: who replicates"
  - file: /etc/postgresql/larder-replicator.sql
    content: |
      DO $do$ BEGIN
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'replicator') THEN CREATE ROLE replicator LOGIN REPLICATION; END IF;
      END $do$;
      \\set password \`cat ${password}\`
      ALTER ROLE replicator PASSWORD :'password';
    mode: "0600"
    owner: postgres
    group: postgres
    notify: "command:PostgreSQL: who replicates"
  - command: "PostgreSQL: who replicates"
    run: [psql, -q, -v, ON_ERROR_STOP=1, -f, /etc/postgresql/larder-replicator.sql]
    unless: test "$(psql -Atqc "select 1 from pg_roles where rolname = 'replicator'")" = 1
    user: postgres
    after: [service:postgresql, "command:PostgreSQL: promoted"]
`

export const postgresqlReplicaRole = `
description: A copy of a PostgreSQL, which follows it and can be read from
variables: { version: "15", listen: "*", allow: samenet, primary: null }
resources:
${server}${secret}  - command: "PostgreSQL: who it copies as"
    run: |
      umask 077
      ${pgpass} >/var/lib/postgresql/.pgpass.new
      mv -f -- /var/lib/postgresql/.pgpass.new /var/lib/postgresql/.pgpass
    unless: |
      ${pgpass} | cmp -s -- - /var/lib/postgresql/.pgpass
      test "$(stat -c %a /var/lib/postgresql/.pgpass)" = 600
    user: postgres
    after: file:${password}
  - command: "PostgreSQL: copy of {{primary}}"
    run: |
      data=/var/lib/postgresql/{{version}}/main
      slot=$(hostname -s | tr -c 'a-z0-9\\n' _)
      as() { runuser -u postgres -- env HOME=/var/lib/postgresql "$@"; }
      as pg_isready -q -t 60 -h '{{primary}}'
      # Where it is promoted in the same run, that comes first. One that stays a copy can be followed, too.
      as timeout 60 sh -c 'until test "$(psql -w -h "$0" -U replicator -d postgres -Atqc "select pg_is_in_recovery()")" = f; do sleep 1; done' '{{primary}}' || :
      copy() { rm -rf -- "$data.new"; as pg_basebackup -w -R -X stream -c fast -D "$data.new" -h '{{primary}}' -U replicator -S "$slot" "$@"; }
      copy -C || copy
      systemctl stop 'postgresql@{{version}}-main'
      if [ -e "$data" ]; then mv -T -- "$data" "$data.before-$(date +%Y%m%d%H%M%S)"; fi
      mv -T -- "$data.new" "$data"
      systemctl reset-failed 'postgresql@{{version}}-main' || :
      systemctl start 'postgresql@{{version}}-main'
    unless: |
      data=/var/lib/postgresql/{{version}}/main
      test -e "$data/standby.signal"
      grep -qsE "host='*{{primary}}(['[:space:]]|$)" "$data/postgresql.auto.conf"
    after:
      - "command:PostgreSQL: who it copies as"
      - "file:/etc/postgresql/{{version}}/main/conf.d/larder.conf"
      - "file:/etc/postgresql/{{version}}/main/pg_hba.conf"
  - service: postgresql
    after: "command:PostgreSQL: copy of {{primary}}"
    ready:
      command: |
        test "$(runuser -u postgres -- psql -Atqc "select count(*) from pg_stat_wal_receiver where status = 'streaming'")" -ge 1
`
