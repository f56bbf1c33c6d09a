import { allowJudged, listenJudged } from './postgresql-checks.ts'

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
    ${listenJudged}
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
    ${allowJudged}
    mode: "0640"
    owner: postgres
    group: postgres
    notify: service:postgresql
`

/** What runs: `postgresql.service` of Debian starts it, and is active whatever becomes of it. */
const cluster = `  - service: "postgresql@{{version}}-main"
    ready: { command: "runuser -u postgres -- psql -Atqc 'select 1'" }
    ready_timeout: 5m
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
${server}${cluster}  - service: postgresql
    after: "service:postgresql@{{version}}-main"
    ready: { command: "runuser -u postgres -- psql -Atqc 'select 1'" }
  - command: "PostgreSQL: promoted"
    run: |
      # A primary that is stopped sends what it has confirmed before it goes. One that is away is waited for by nobody.
      left=60
      while :; do
        sender=$(psql -Atq -F ' ' -c "select sender_host, sender_port from pg_stat_wal_receiver where status = 'streaming'")
        [ -n "$sender" ] || break
        code=0
        pg_isready -q -t 3 -h "\${sender% *}" -p "\${sender##* }" || code=$?
        [ "$code" -le 1 ] || break
        [ "$left" -gt 0 ] || { echo "\${sender% *} takes writes still after 60 s: what it takes from now on is not here." >&2; break; }
        left=$((left - 1))
        sleep 1
      done
      psql -Atqc 'select pg_promote(true, 120)'
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
    timeout: 6h
    run: |
      data=/var/lib/postgresql/{{version}}/main
      slot=$(hostname -s | tr -c 'a-z0-9\\n' _)
      as() { runuser -u postgres -- env HOME=/var/lib/postgresql "$@"; }
      # As the copy will: it may be about to be made, or to let the replicator in.
      limit=300
      end=$(($(date +%s) + limit))
      until why=$(as psql -XAtqw -h '{{primary}}' -d 'user=replicator dbname=postgres replication=true connect_timeout=5' -c IDENTIFY_SYSTEM 2>&1); do
        [ "$(date +%s)" -lt "$end" ] || { echo "{{primary}} let no copy be made of it within $limit s: $why" >&2; exit 1; }
        sleep 1
      done
      # What takes writes here ends before they are taken there: a primary that stops sends what it has confirmed to who follows it.
      kept=
      if [ -e "$data" ] && [ ! -e "$data/standby.signal" ]; then
        systemctl stop 'postgresql@{{version}}-main'
        kept="What this machine had is whole in $data, and stopped. The next apply copies again; where {{primary}} takes no writes either, the role postgresql starts this one again as it was."
      fi
      # Where it is promoted in the same run, that comes first. One that stays a copy can be followed, too.
      as timeout 60 sh -c 'until test "$(psql -w -h "$0" -U replicator -d postgres -Atqc "select pg_is_in_recovery()")" = f; do sleep 1; done' '{{primary}}' || :
      copy() { rm -rf -- "$data.new"; as pg_basebackup -w -R -X stream -c fast -D "$data.new" -d 'keepalives_idle=30 keepalives_interval=10 keepalives_count=6' -h '{{primary}}' -U replicator -S "$slot" "$@"; }
      copy -C || copy || { echo "The copy of {{primary}} could not be made. $kept" >&2; exit 1; }
      systemctl stop 'postgresql@{{version}}-main'
      if [ -e "$data" ]; then mv -T -- "$data" "$data.before-$(date +%Y%m%d%H%M%S)"; fi
      mv -T -- "$data.new" "$data"
      systemctl reset-failed 'postgresql@{{version}}-main' || :
      systemctl start 'postgresql@{{version}}-main'
    unless: |
      data=/var/lib/postgresql/{{version}}/main
      test -e "$data/standby.signal"
      # A copy brings along whom its source followed once; the last line is its own.
      grep -s '^primary_conninfo' "$data/postgresql.auto.conf" | tail -n 1 | grep -qE "host='*{{primary}}(['[:space:]]|$)"
    after:
      - "command:PostgreSQL: who it copies as"
      - "file:/etc/postgresql/{{version}}/main/conf.d/larder.conf"
      - "file:/etc/postgresql/{{version}}/main/pg_hba.conf"
${cluster}    after: "command:PostgreSQL: copy of {{primary}}"
  - service: postgresql
    after: "service:postgresql@{{version}}-main"
    ready:
      command: |
        test "$(runuser -u postgres -- psql -Atqc "select count(*) from pg_stat_wal_receiver where status = 'streaming'")" -ge 1
`
