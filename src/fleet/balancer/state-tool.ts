import { haproxyPaths } from './haproxy-paths.ts'

/** Where the tool is on a load balancer. */
export const stateToolPath = '/usr/local/lib/larder/haproxy-state'

/**
 * A program on each load balancer. HAProxy forgets at a reload what it was told while it ran, unless it finds it in its state
 * file. There, the ports of a server and of its check go before those of the configuration: so a service whose port was changed is
 * asked where it still is, machine by machine, until each is given back. Workers of before a reload finish what they have begun: they are
 * told too, and what they do is counted.
 */
export const stateTool = `#!/bin/sh
# Written by Larder. What HAProxy was told while it ran (drained servers, weights) lasts over reloads and restarts.
#   tell COMMAND...  to all its workers, and kept
#   ready SERVICE MACHINE [COMMAND...]   the server gets its share, where it answers now
#   show             servers as each worker sees them
#   save             keeps what it was told
#   align            what is kept fits the configuration
#   reload PID       keeps, reloads, waits for the new worker
set -eu
export LC_ALL=C
config=${haproxyPaths.config}
state=${haproxyPaths.state}
master=${haproxyPaths.masterSocket}

ask() {
  tries=0
  # While it reloads nobody answers.
  until answer=$(printf '%s\\n' "$1" | socat -t 10 -T 10 - "UNIX-CONNECT:$master" 2>&1); do
    tries=$((tries + 1))
    [ "$tries" -lt 20 ] || { printf '%s\\n' "$answer" >&2; return 1; }
    sleep 0.1
  done
  printf '%s\\n' "$answer"
}
# Its process id, and: current, or old.
workers() { ask 'show proc' | awk '/^#/ { age = $2 == "old" ? "old" : "current" } $2 == "worker" { print $1, age }'; }
lock() { exec 9>/run/haproxy/larder.lock; flock -w 30 9; }
align() {
  [ -e "$state" ] || echo 1 >"$state"
  awk -v "asked=\${1-}" '
    FNR == NR { if ($1 == "backend") backend = $2; if ($1 == "server") { sub(/.*:/, "", $3); port[backend, $2] = $3; checked[backend, $2] = $6 } next }
    # One that is down is not where it was: its ports are those of the configuration. One that was told down is where it answered.
    NF > 21 && !/^#/ { if (!(($2, $4) in port)) next; if ($2 "/" $4 == asked) $6 = 2; if ($6 == 0) { $19 = port[$2, $4]; $22 = checked[$2, $4] } }
    { print }' "$config" "$state" >"$state.new"
  sync "$state.new"
  mv "$state.new" "$state"
}
save() {
  ask '@1 show servers state' >"$state.new"
  grep -q '^# be_id' "$state.new" || { cat "$state.new" >&2; return 1; }
  mv "$state.new" "$state"
  align "\${1-}"
}

tell() {
  workers=$(workers)
  for command; do
    printf '%s\\n' "$workers" | while read -r pid age; do
      said=$(ask "@!$pid $command")
      # A worker of before a reload need not know it.
      [ "$age" = old ] || [ -z "$said" ] || { printf '%s: %s\\n' "$command" "$said" >&2; exit 1; }
    done
  done
}
# To the ports of the configuration, if it answers there: what was put back after a failure is where it was before.
move() {
  place=$(awk -v "service=$1" -v "machine=$2" '
    $1 == "backend" { backend = $2 }
    $1 == "server" && backend == service && $2 == machine { print $3, $6 }' "$config")
  checked=\${place##* } place=\${place% *}
  named=\${place%:*} port=\${place##*:}
  # HAProxy looks up a name at its start alone; here it takes an address.
  address=$(getent ahostsv4 "$named" || getent ahostsv6 "$named") || return 0
  address=\${address%%[[:space:]]*}
  for one in "$port" "$checked"; do
    timeout 3 bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$address" "$one" 2>/dev/null || return 0
  done
  said=$(ask "@1 set server $1/$2 addr $address port $port")
  case $said in *'changed from'* | *'no need to change'*) ;; *) printf '%s\\n' "$said" >&2; return 1 ;; esac
  said=$(ask "@1 set server $1/$2 check-port $checked")
  case $said in '' | *updated*) ;; *) printf '%s\\n' "$said" >&2; return 1 ;; esac
}

case \${1-} in
tell) shift; lock; tell "$@"; save ;;
ready)
  server=$2/$3
  lock
  move "$2" "$3"
  shift 3
  tell "$@" "set server $server state ready"
  case " $* " in *" health down "*) save "$server" ;; *) save ;; esac
  ;;
show)
  workers=$(workers)
  printf '%s\\n' "$workers" | while read -r pid age; do
    echo "== $age"
    ask "@!$pid show servers state" || [ "$age" = old ]
    ask "@!$pid show stat -1 4 -1" || [ "$age" = old ]
  done
  ;;
save) lock; save ;;
align) lock; align ;;
reload)
  lock
  save
  before=$(workers | awk '$2 == "current" { print $1 }')
  kill -USR2 "$2"
  looks=0
  while [ "$looks" -lt 100 ]; do
    now=$(workers | awk '$2 == "current" { print $1 }')
    [ -n "$now" ] && [ "$now" != "$before" ] && exit 0
    looks=$((looks + 1))
    sleep 0.1
  done
  echo 'HAProxy goes on with what it had: the new configuration was not taken.' >&2
  exit 1
  ;;
*) echo 'tell, show, save, align, or reload?' >&2; exit 2 ;;
esac
`

/** Beside the unit of Debian: everything that stops or reloads it keeps what it was told. systemd.service(5). */
export const unitPart = `# Written by Larder.
[Service]
ExecStartPre=${stateToolPath} align
ExecReload=
ExecReload=/usr/sbin/haproxy -Ws -f $CONFIG -c -q $EXTRAOPTS
ExecReload=${stateToolPath} reload $MAINPID
ExecStop=-${stateToolPath} save
`
