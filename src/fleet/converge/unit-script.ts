import { lines, nothing, sh, type Script } from '../shell/script.ts'
import { frameBegin, frameEnd } from './frame.ts'
import { pendingFolder } from './notification.ts'
import { gaveUp } from '../resource/resource-type.ts'
import type { Step } from './step.ts'

/** On a host, below what a restart clears: locks, who holds them, and a folder of each unit that runs. All is root's, 0600. */
export const runFolder = '/run/larder'

/** What a step may print; then its pipe is closed. */
const stepOutputBytes = 4 * 1024 * 1024

/** Added to the exit code of a step whose time was over: 124 alone may be what its script says of a time of its own. */
export const timeUp = 300

/** The name of a unit, and its folder. `runId`: small letters, digits, hyphens. */
export function unitNamed(runId: string, count: number): string {
  return `apply-${runId}-${count}`
}

/**
 * Starts a unit that does these steps one by one and asks for the facts that `look` reads, unless it was started already; a
 * connection that is lost neither ends nor doubles it. By systemd where that is there, else in a session of its own.
 * What is in steps is in files of root's until each has been done, never in a list of processes.
 */
export function startUnit(
  unit: string,
  room: { nonce: string; steps: readonly Step[]; look: Script; runId: string },
): Script {
  const folder = `${runFolder}/${unit}`
  const { steps } = room
  const made = `${folder}.new`
  return sh`umask 077
mkdir -p ${runFolder} ${pendingFolder}
write() {
printf %s "$2" >"$1" && return
rm -rf ${made}
echo ${`${runFolder} cannot be written; has its file system any space left?`} >&2
exit 3
}
if [ ! -d ${folder} ]; then
rm -rf ${made}
mkdir -p ${made}
${lines(...steps.map((step) => sh`write ${`${made}/${step.id}`} ${bodyOf(step)}`))}
write ${`${made}/unit`} ${unitScript(folder, room).shell}
mv ${made} ${folder} || exit 3
if [ -d /run/systemd/system ] && command -v systemd-run >/dev/null; then
systemd-run --quiet --collect --unit=${`larder-${unit}`} --property=TasksMax=infinity -- /bin/sh ${`${folder}/unit`} || exit 3
else
(setsid /bin/sh ${`${folder}/unit`} </dev/null >/dev/null 2>&1 &)
fi
fi`
}

/** Prints what the unit prints, from an offset on, until it has ended. 44: there is no such unit any more. */
export function followUnit(unit: string, offsetBytes: number): Script {
  const folder = `${runFolder}/${unit}`
  return sh`cd ${folder} 2>/dev/null || exit 44
i=0
until [ -s pid ] || [ $i -ge 500 ]; do sleep 0.01; i=$((i+1)); done
[ -s pid ] || exit 44
exec tail -c ${`+${offsetBytes + 1}`} -f -s 0.05 --pid="$(cat pid)" output`
}

/**
 * Ends a unit of this run that is at work, with all that it has started: asked to at first, and killed after five seconds. What is
 * not of systemd is a session. Source: proc_pid_stat(5).
 */
export function endUnit(unit: string, runId: string): Script {
  const ofSystemd = `larder-${unit}`
  return sh`cd ${runFolder} || exit 0
exec 9>>unit.lock
! flock -n 9 || exit 0
exec 9>&-
[ "$(cat unit.owner)" = ${runId} ] && pid=$(cat ${`${unit}/pid`}) || exit 0
if [ -d /run/systemd/system ] && command -v systemd-run >/dev/null; then
timeout 5 systemctl stop -- ${ofSystemd} || systemctl kill --signal=KILL -- ${ofSystemd} || :
exit 0
fi
tell() {
told=1
for stat in /proc/[0-9]*/stat; do
read -r line 2>/dev/null <"$stat" || continue
set -- $1 \${line##*) }
[ "$5" != "$pid" ] || { other=\${stat#/proc/}; kill "-$1" "\${other%/stat}" 2>/dev/null && told=0; }
done
return $told
}
tell TERM || exit 0
i=0
while [ $i -lt 25 ] && tell 0; do sleep 0.2; i=$((i+1)); done
tell KILL || :`
}

export function doneMark(nonce: string): string {
  return `\n${nonce} done\n`
}

function unitScript(
  folder: string,
  { nonce, steps, look, runId }: { nonce: string; steps: readonly Step[]; look: Script; runId: string },
): Script {
  return sh`PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8
export PATH LC_ALL
export DEBIAN_FRONTEND=noninteractive
cd ${folder} || exit 1
umask 077
: >output
exec >output 2>&1 </dev/null
exec 9>>${`${runFolder}/unit.lock`}
flock 9
echo ${runId} >${`${runFolder}/unit.owner`}
echo $$ >pid.new
mv pid.new pid
rm -f unit
step() {
${frameBegin(nonce, sh`"$1"`)}
mkfifo "$1.out"
read -r from rest </proc/uptime
stdbuf -o0 head -c ${stepOutputBytes} <"$1.out" 9>&- & drain=$!
(umask 022; cd /; exec timeout -k 5 "$2" /bin/sh "$OLDPWD/$1") >"$1.out" 2>&1 </dev/null 9>&-
code=$?
read -r now rest </proc/uptime
limit=\${2%.*}
case $code in 124 | 137) [ $((\${now%.*} - \${from%.*})) -lt $limit ] || code=$((code + ${{ shell: String(timeUp) }})) ;; esac
rm -f "$1.out" "$1"
(sleep 1; kill $drain) >/dev/null 2>&1 9>&- & killer=$!
wait $drain
kill $killer
${frameEnd(nonce, sh`"$1"`, sh`$code`)}
return $code
} 2>/dev/null
refuse() { printf %s ${noMark} >"$1"; }
${lines(...steps.map((step) => stepScript(step)))}
${look} 2>/dev/null
printf %s ${doneMark(nonce)}
exit 0
`
}

/** In place of a step of which nobody would know that it was begun. */
const noMark = `echo '${pendingFolder} cannot be written; has its file system any space left?' >&2; exit 1`

/** Readiness is asked for again and again, until its time is over, or it will never be. */
function bodyOf({ does, script }: Step): string {
  const strict = `set -eu\n${script.shell}\n`
  if (does !== 'ready') return strict
  return sh`until printf %s ${strict} | /bin/sh; do [ $? != ${gaveUp} ] || exit ${gaveUp}; sleep 0.2; done`.shell
}

/** What an earlier run owes is not forgiven because this one has failed. */
function stepScript({ id, needs, owes, expects, pays, timeoutMs }: Step): Script {
  const marks = owes.map((mark) => `${pendingFolder}/${mark}`)
  // A special built-in that cannot be redirected would end the unit: sh(1p).
  const make = sh`new=; for m in ${marks}; do [ -e "$m" ] || { true >"$m" && new="$new $m"; } || refuse ${id}; done; `
  const owe = marks.length === 0 ? nothing : make
  const expect = expects === undefined ? nothing : sh`true >${pendingFolder}/${expects} || refuse ${id}; `
  const forgive = marks.length === 0 ? nothing : sh`; rm -f $new`
  const pay = pays === undefined ? nothing : sh`rm -f ${pendingFolder}/${{ shell: pays }}; `
  const before = needs.map((need) => sh`[ "$ok_${{ shell: need }}" = 1 ] && `)
  const timeoutS = (timeoutMs / 1000).toFixed(3)
  const only = { shell: before.map(({ shell }) => shell).join('') }
  const name: Script = { shell: id }
  return sh`ok_${name}=0; ${only}{ ${owe}${expect}if step ${id} ${timeoutS}; then ok_${name}=1; ${pay}else :${forgive}; fi; }`
}
