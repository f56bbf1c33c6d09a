import type { Host } from '../host/host.ts'
import { sh, type Script } from '../shell/script.ts'

const scriptMs = 60_000

/**
 * Until no client is connected to a port of the machine any more, or its time is over. Twice in a row, a second apart: a load
 * balancer that has just been told of it may still send on what it had taken before. What `Host` throws.
 */
export async function clientsGone(
  host: Host,
  { port, withinMs }: { port: number; withinMs: number },
  signal: AbortSignal,
): Promise<void> {
  await host.run(clientsGoneScript(port, Math.ceil(withinMs / 1000)), { timeoutMs: scriptMs + withinMs, signal })
}

/** proc(5), /proc/net/tcp: the second column is the address of this side, its port in hexadecimal; 01 is connected. */
export function clientsGoneScript(port: number, withinSeconds: number): Script {
  const end = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  return sh`connected() { cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk -v end=${end} '$4 == "01" && substr($2, length($2) - 4) == end { found = 1 } END { exit !found }'; }
left=${`${withinSeconds}`} free=0
while [ $left -gt 0 ]; do
if connected; then free=0; else free=$((free + 1)); fi
[ $free -lt 2 ] || break
sleep 1
left=$((left - 1))
done`
}
