import { containerVariables } from '../resource/types/container.ts'
import { lines, sh, type Script } from '../shell/script.ts'
import type { FormerUnit, ServiceUnit, WantedUnit } from './service-unit.ts'

/** On a machine: there while a release takes the place of another, with the files of that one. */
export function folderOf(service: string): string {
  return `/var/lib/larder-host/services/${service}`
}

/** Where a release finds its variables on a machine. */
export function variableFiles(service: string): string[] {
  return [...containerVariables(service), `/etc/larder/services/${service}.env`]
}

/** There once a container runs a service on a machine, or may have begun to: one of somebody else looks the same. */
function markOf(service: string): string {
  return `/var/lib/larder-host/service-containers/${service}`
}

/** The unit that a service has where it names no other; its text is the service's own, that of another unit is the machine's. */
function ownUnit(service: string): string {
  return `${service}.service`
}

function textOf(unit: string): string {
  return `/etc/systemd/system/${unit}`
}

/** What gives the variables of a service to a unit. */
function partOf(unit: string): string {
  return `${textOf(unit)}.d/larder.conf`
}

/** Everything that a release consists of on a machine, whichever of these units runs it; images stay where they are. */
function filesOf(service: string, units: readonly string[]): string[] {
  return [...variableFiles(service), textOf(ownUnit(service)), ...units.map(partOf)]
}

const reload = sh`systemctl daemon-reload`

/**
 * `isGiven FILE`: it gives a unit the variables of the service. `units` names the units that they are given to. `end UNIT`: it
 * runs no longer, and does not begin again; a unit whose text is gone is stopped all the same.
 */
function functionsFor(service: string): Script {
  const line = `EnvironmentFile=/etc/larder/services/${service}.env`
  return sh`isGiven() { grep -qsxF -- ${line} "$1"; }
units() { for part in /etc/systemd/system/*.service.d/larder.conf; do
isGiven "$part" || continue
part=\${part%.d/larder.conf}
echo "\${part##*/}"
done; }
end() {
systemctl disable --quiet -- "$1" 2>/dev/null || :
systemctl stop -- "$1" 2>/dev/null || :
! systemctl is-active --quiet -- "$1" || { echo "$1 does not stop." >&2; exit 1; }
}`
}

/** `isContainer`: a container of the service is there. */
function containerScript(service: string, wasContainer: boolean): Script {
  const [handed] = containerVariables(service)
  const isMarked = wasContainer ? sh`:` : sh`[ -e ${markOf(service)} ]`
  return sh`isContainer() { [ -f ${handed} ] && ${isMarked}; }`
}

export function lookScript({ service, unit, isContainer, wasContainer }: WantedUnit): Script {
  const own = ownUnit(service)
  // One that is a container by now is given none.
  const isWanted = isContainer ? sh`false` : sh`[ "$former" = ${unit} ]`
  return lines(
    functionsFor(service),
    containerScript(service, wasContainer),
    sh`active() { ! systemctl is-active --quiet -- "$1" || echo active; }
active ${unit}
[ ! -d ${folderOf(service)} ] || echo begun
for former in $(units); do
${isWanted} || { echo "former unit $former"; active "$former"; }
done`,
    isContainer ? sh`:` : sh`! isContainer || { echo former container ${own}; active ${own}; }`,
    sh`exit 0`,
  )
}

export interface Keeping {
  formers: readonly FormerUnit[]
  /** What runs there is of use. */
  isGood: boolean
}

/** `running`: the units that are begun again when it is put back. */
export function keepScript(
  { service, unit, isContainer }: ServiceUnit & { isContainer: boolean },
  { formers, isGood }: Keeping,
): Script {
  const folder = folderOf(service)
  const made = `${folder}.new`
  const units = [...new Set([unit, ...formers.map((former) => former.unit)])]
  const mark = sh`mkdir -p -- /var/lib/larder-host/service-containers; : >${markOf(service)}`
  const keep = sh`[ ! -d ${folder} ] || exit 0
rm -rf -- ${made}
mkdir -p -- ${made}
for file in ${filesOf(service, units)}; do
[ ! -f "$file" ] || cp -p --parents -- "$file" ${made}
done
for unit in ${units}; do
! systemctl is-active --quiet -- "$unit" || echo "$unit" >>${`${made}/running`}
done
sync -f -- ${made}
mv -- ${made} ${folder}`
  return lines(
    sh`set -eu
umask 077`,
    isContainer ? mark : sh`:`,
    isGood ? keep : sh`:`,
  )
}

export function retireScript(service: string, formers: readonly FormerUnit[]): Script {
  const each = formers.map(({ unit, isContainer }) => {
    const files = isContainer ? [...containerVariables(service), textOf(unit), markOf(service)] : [partOf(unit)]
    return sh`end ${unit}
rm -f -- ${files}`
  })
  return lines(sh`set -eu`, functionsFor(service), ...each, reload)
}

/** What runs now ends while its text is still there; what ran is found in what is kept also where no list of it is. */
export function restoreScript({ service, unit }: ServiceUnit): Script {
  const folder = folderOf(service)
  const own = ownUnit(service)
  const made = [...variableFiles(service), partOf(unit), ...(unit === own ? [textOf(own)] : [])]
  return lines(
    sh`set -eu
cd ${folder}`,
    functionsFor(service),
    sh`running=
if [ -s running ]; then
while read -r one; do running="$running $one"; done <running
else
for part in etc/systemd/system/*.service.d/larder.conf; do
[ -f "$part" ] || continue
part=\${part%.d/larder.conf}
running="$running \${part##*/}"
done
[ -n "$running" ] || [ ! -f ${`etc/systemd/system/${own}`} ] || running=${own}
[ -n "$running" ] || running=${unit}
fi
ran() { for one in $running; do [ "$one" != "$1" ] || return 0; done; return 1; }
for now in ${unit} $(units); do
ran "$now" || end "$now"
done
find . -type f ! -path ./running | while read -r file; do
file=\${file#.}
mkdir -p -- "\${file%/*}"; cp -p -- ".$file" "$file.larder-new"; mv -- "$file.larder-new" "$file"
done
for file in ${made} $(units | while read -r now; do echo "/etc/systemd/system/$now.d/larder.conf"; done); do
[ -f ".$file" ] || rm -f -- "$file"
done
systemctl daemon-reload
for one in $running; do
systemctl reset-failed -- "$one" 2>/dev/null || :
[ "$one" = ${unit} ] || systemctl enable --quiet -- "$one" 2>/dev/null || :
systemctl restart -- "$one"
done
cd /
rm -rf -- ${folder}`,
  )
}

/** journald of podman-run(1), --log-driver: what a container says bears its name, beside which podman speaks of itself. */
export function logScript({ service, unit }: ServiceUnit): Script {
  return sh`last() { journalctl --lines=20 --no-pager --output=cat "$@" 2>/dev/null | grep . ; }
last ${`CONTAINER_NAME=${service}`} || last ${`--unit=${unit}`} || :`
}

export interface Removal extends ServiceUnit {
  readonly wasContainer: boolean
  /** The text of its unit is its own, and goes. */
  readonly hasText: boolean
}

/** A unit that another service has by now is left to that. */
export function removeScript({ service, unit, wasContainer, hasText }: Removal): Script {
  const own = ownUnit(service)
  return lines(
    sh`set -eu`,
    functionsFor(service),
    containerScript(service, wasContainer),
    sh`container=
! isContainer || container=${own}
for now in ${unit} $container $(units); do
part="/etc/systemd/system/$now.d/larder.conf"
[ ! -f "$part" ] || isGiven "$part" || continue
end "$now"
rm -f -- "$part"
done
[ "$container" = '' ] || rm -f -- ${[...containerVariables(service), textOf(own)]}`,
    hasText && unit === own ? sh`rm -f -- ${textOf(own)}` : sh`:`,
    sh`rm -rf -- ${[`/etc/larder/services/${service}.env`, markOf(service), folderOf(service)]}`,
    reload,
  )
}
