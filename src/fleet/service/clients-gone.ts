import type { Host } from '../host/host.ts'
import { sh, type Script } from '../shell/script.ts'

const scriptMs = 60_000

/**
 * Until no client is connected to the port of what runs on the machine any more, by the first line `PORT=` of each of the files
 * (else to `port`), or of a container that is published there, or its time is over.
 * Twice in a row, a second apart: a load balancer that has just been told of it may still send on what it had taken before.
 * What `Host` throws.
 */
export async function clientsGone(
  host: Host,
  { port, files, withinMs }: { port: number; files: readonly string[]; withinMs: number },
  signal: AbortSignal,
): Promise<void> {
  await host.run(clientsGoneScript(port, Math.ceil(withinMs / 1000), files), { timeoutMs: scriptMs + withinMs, signal })
}

/**
 * proc(5), /proc/net/tcp: the second column is the address of this side, its port in hexadecimal; 01 is connected. A port that is
 * published into a container is translated, and no socket of the machine itself: who comes there is connected within the
 * container's network namespace, to what podman, CNI and Docker have told iptables(8) or nft(8).
 */
export function clientsGoneScript(port: number, withinSeconds: number, files: readonly string[] = []): Script {
  const running = 's/^PORT="?([1-9][0-9]{0,4})"?$/\\1/p'
  const target = ' (.* )?(--to-destination|dnat ip to|dnat to) ([0-9.]+):([0-9]+)( .*)?$/\\4.\\5/p'
  // Asking for rules where nothing is translated would have the kernel begin to.
  return sh`ports=$(for file in ${[...files]} /dev/null; do sed -nE ${running} "$file" 2>/dev/null | head -n 1; done)
ports=\${ports:-${port}}
end=$(printf ':%04X ' $ports)
any=$(printf '%s\\n' $ports | paste -sd '|' -)
published=
if [ -e /proc/sys/net/netfilter/nf_conntrack_count ]; then
published=$({ iptables -w 5 -t nat -S; nft list ruleset; } </dev/null 2>/dev/null | sed -nE ${'s/.*dport ('}"$any"${`)${target}`} |
awk -F . '{ printf "%02X%02X%02X%02X:%04X ", $4, $3, $2, $1, $5 }')
fi
ends() { awk -v ends="$1" 'BEGIN { n = split(ends, end, " ") } $4 == "01" { for (i = 1; i <= n; i++) if (substr($2, length($2) - length(end[i]) + 1) == end[i]) found = 1 } END { exit !found }'; }
inside() { stat -L -c '%i %n' /proc/[0-9]*/ns/net 2>/dev/null | awk '!seen[$1]++ { sub("ns/net$", "net/tcp", $2); print $2; print $2 "6" }' | xargs -r cat 2>/dev/null; }
connected() {
cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | ends "$end" && return
[ -n "$published" ] && inside | ends "$published"
}
now() { read -r up _ </proc/uptime; up=\${up%%.*}; }
within=${withinSeconds} free=0
now
last=$((up + within))
while now; [ $up -lt $last ]; do
if connected; then free=0; else free=$((free + 1)); fi
[ $free -lt 2 ] || break
sleep 1
done`
}
