import { sh } from '../shell/script.ts'

/** What time it is there. */
export const clockScript = sh`printf 'clock\t%s\n' "$(date +%s.%N)"`

/**
 * Asks a host how it is, in lines of `kind` and tabs. What a host does not have is left out: systemd, PostgreSQL. The clock
 * comes first, so that what follows takes nothing from it. What hangs is not waited for, and hides nothing else.
 * A replica is as late as what its primary sent last (something comes every 30 s), and as what it has got and not replayed.
 * Sources: df(1), systemctl(1), PostgreSQL 15 §28.2.
 */
export const healthScript = sh`${clockScript}
df -P -l -T -k 2>/dev/null | while read -r device type blocks used free share path; do
  printf 'bytes\t%s\t%s\t%s\t%s\t%s\n' "$device" "$type" "$blocks" "$free" "$path"
done
df -P -l -T -i 2>/dev/null | while read -r device type inodes used free share path; do
  printf 'inodes\t%s\t%s\t%s\n' "$inodes" "$free" "$path"
done
if [ -d /run/systemd/system ]; then
  timeout 10 systemctl list-units --state=failed --plain --no-legend --full --no-pager 2>/dev/null | while read -r unit rest; do
    printf 'failed\t%s\n' "$unit"
  done
fi
if command -v psql >/dev/null && command -v runuser >/dev/null && id postgres >/dev/null 2>&1; then
  timeout 10 runuser -u postgres -- psql -XAtq -F "$(printf '\t')" -c "
    select 'replica', coalesce((select status from pg_stat_wal_receiver limit 1), 'none'),
      greatest(
        coalesce((select extract(epoch from now() - last_msg_send_time) from pg_stat_wal_receiver
          where now() - last_msg_send_time > interval '45 seconds' limit 1), 0),
        case when pg_last_wal_receive_lsn() is not distinct from pg_last_wal_replay_lsn() then 0
          else coalesce(extract(epoch from now() - pg_last_xact_replay_timestamp()), 0) end)
      where pg_is_in_recovery()
    union all
    select 'slot', slot_name, pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)
      from pg_replication_slots where not active and restart_lsn is not null and not pg_is_in_recovery()" </dev/null 2>/dev/null
  [ $? != 124 ] || echo silent
fi
exit 0`
