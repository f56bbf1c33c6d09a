import { LarderError, plainText } from '../../core/index.ts'
import type { Host } from '../host/host.ts'
import { containerVariables } from '../resource/types/container.ts'
import { sh, type Script } from '../shell/script.ts'

/**
 * What of a service is on a machine beside what is declared: whether it runs, and the release that ran before while another takes
 * its place. All throw what `Host` throws, and FLEET_APPLY_FAILED.
 */
export interface KeptRelease {
  look(host: Host, service: ServiceUnit): Promise<{ isActive: boolean; isBegun: boolean }>
  /** What runs now is what is put back, unless a release is kept already: then what runs now was never found good. */
  keep(host: Host, service: ServiceUnit): Promise<void>
  /** Puts back what was kept, starts it, and forgets it. */
  restore(host: Host, service: ServiceUnit): Promise<void>
  /** What runs now is good: what was kept is forgotten. */
  settle(host: Host, service: ServiceUnit): Promise<void>
  restart(host: Host, service: ServiceUnit): Promise<void>
  /** It is not there any more, and nothing of it but its image. */
  remove(host: Host, service: ServiceUnit): Promise<void>
  /** The last that it has said, at most 20 lines. */
  lastLines(host: Host, service: ServiceUnit): Promise<string>
}

export interface ServiceUnit {
  readonly service: string
  /** `counter.service` */
  readonly unit: string
}

/** Of systemd.service(5): 90 s to stop and 90 s to start, where a unit says nothing else. */
const changeMs = 240_000
const lookMs = 30_000

/**
 * Releases are kept on the machines themselves: there they outlive the controller, and secrets in them go nowhere. `readyMs`: what
 * a release may take to be ready, which its unit may take to start.
 */
export function createKeptRelease(signal: AbortSignal, readyMs = 60_000): KeptRelease {
  const timeoutMs = changeMs + readyMs
  return {
    async look(host, service) {
      const { stdout } = await run(host, lookScript(service), { timeoutMs: lookMs, signal })
      const words = stdout.toString('latin1').split(/\s+/)
      return { isActive: words.includes('active'), isBegun: words.includes('begun') }
    },
    async keep(host, service) {
      await run(host, keepScript(service), { timeoutMs, signal })
    },
    async restore(host, service) {
      await run(host, restoreScript(service), { timeoutMs })
    },
    async settle(host, { service }) {
      await run(host, sh`rm -rf -- ${folderOf(service)}`, { timeoutMs })
    },
    async restart(host, { unit }) {
      await run(host, sh`systemctl reset-failed -- ${unit} 2>/dev/null || :; systemctl restart -- ${unit}`, {
        timeoutMs,
      })
    },
    async remove(host, service) {
      await run(host, removeScript(service), { timeoutMs, signal })
    },
    async lastLines(host, service) {
      const { stdout } = await run(host, logScript(service), { timeoutMs: lookMs })
      return plainText(stdout.toString('utf8').trimEnd()).slice(-4000)
    },
  }
}

async function run(host: Host, script: Script, options: { timeoutMs: number; signal?: AbortSignal }) {
  const answer = await host.run(script, options)
  if (answer.code === 0) return answer
  throw new LarderError('FLEET_APPLY_FAILED', {
    message: `${host.name}: ${plainText(answer.stderr.trim().split('\n').at(-1) ?? '').slice(0, 500)}`,
    context: { machine: host.name },
  })
}

/** On a machine: there while a release takes the place of another, with the files of that one. */
function folderOf(service: string): string {
  return `/var/lib/larder-host/services/${service}`
}

/** Everything that a release consists of on a machine; images stay where they are. */
function filesOf({ service, unit }: ServiceUnit): string[] {
  return [
    ...containerVariables(service),
    `/etc/larder/services/${service}.env`,
    `/etc/systemd/system/${unit}`,
    `/etc/systemd/system/${unit}.d/larder.conf`,
  ]
}

function lookScript(service: ServiceUnit): Script {
  return sh`systemctl is-active --quiet -- ${service.unit} && echo active
[ ! -d ${folderOf(service.service)} ] || echo begun
exit 0`
}

function keepScript(service: ServiceUnit): Script {
  const folder = folderOf(service.service)
  const made = `${folder}.new`
  return sh`set -eu
umask 077
[ ! -d ${folder} ] || exit 0
rm -rf -- ${made}
mkdir -p -- ${made}
for file in ${filesOf(service)}; do
[ ! -f "$file" ] || cp -p --parents -- "$file" ${made}
done
sync -f -- ${made}
mv -- ${made} ${folder}`
}

function restoreScript(service: ServiceUnit): Script {
  const folder = folderOf(service.service)
  const { unit } = service
  return sh`set -eu
cd ${folder}
for file in ${filesOf(service)}; do
if [ -f ".$file" ]; then mkdir -p -- "\${file%/*}"; cp -p -- ".$file" "$file.larder-new"; mv -- "$file.larder-new" "$file"; else rm -f -- "$file"; fi
done
systemctl daemon-reload
systemctl reset-failed -- ${unit} 2>/dev/null || :
systemctl restart -- ${unit}
cd /
rm -rf -- ${folder}`
}

/** journald of podman-run(1), --log-driver: what a container says bears its name, beside which podman speaks of itself. */
function logScript({ service, unit }: ServiceUnit): Script {
  return sh`last() { journalctl --lines=20 --no-pager --output=cat "$@" 2>/dev/null | grep . ; }
last ${`CONTAINER_NAME=${service}`} || last ${`--unit=${unit}`} || :`
}

function removeScript(service: ServiceUnit): Script {
  return sh`systemctl disable --now --quiet -- ${service.unit} 2>/dev/null || :
rm -rf -- ${filesOf(service)} ${folderOf(service.service)}
systemctl daemon-reload`
}
