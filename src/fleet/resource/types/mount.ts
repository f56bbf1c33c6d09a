import { z } from 'zod'
import { lines, nothing, sh, type Script } from '../../shell/script.ts'
import { enterFolder, placeOf } from '../enter-folder.ts'
import { asWord, cutOff, fromWord, part, readPart } from '../fact-text.ts'
import { hostPath, oneLine } from '../grammar.ts'
import { folderAndOwners, whatIsIn } from '../path-order.ts'
import type { ResourceType } from '../resource-type.ts'

const word = oneLine.min(1).refine((text) => !/\s/.test(text), 'a word without blanks is needed')

const schema = z
  .strictObject({
    mount: hostPath.refine((path) => path !== '/', 'the root is mounted already'),
    device: word.optional().describe('UUID=…, server:/path, /dev/…, tmpfs'),
    type: z
      .string()
      .regex(/^[a-z0-9._-]{1,40}$/)
      .default('auto')
      .describe('Of the file system: ext4, nfs, glusterfs, tmpfs'),
    options: word.default('defaults'),
    state: z.enum(['mounted', 'noted', 'absent']).default('mounted').describe('noted: only in /etc/fstab'),
  })
  .refine(({ device, state }) => state === 'absent' || device !== undefined, '"device" is missing')
  .describe('A file system that is mounted, now and at each start (/etc/fstab)')

type Declared = z.output<typeof schema>

export interface MountFacts {
  /** Its line of fstab(5), in words. */
  readonly entry: string | undefined
  readonly isMounted: boolean
  /** What is mounted in place of its device, where that is sure. */
  readonly other?: string | undefined
}

export const mountType: ResourceType<Declared, Declared, MountFacts> = {
  name: 'mount',
  schema,
  subjectOf: (declared) => declared.mount,
  resolve: async (declared) => declared,
  after: ({ mount, state }) =>
    // What is mounted within goes first.
    state === 'absent'
      ? whatIsIn(mount).filter((one) => one.startsWith('mount:') && one !== `mount:${mount}`)
      : ['package:*', `directory:${mount}`, ...folderAndOwners(mount, undefined)],
  facts: (all) =>
    part(
      'mounts',
      sh`{ [ ! -e /etc/fstab ] || head -c 1048576 /etc/fstab; } | ${asWord}; cat /proc/self/mounts | ${asWord}
${blockDevices(all)} | ${asWord}`,
    ),
  read: (output, all) => {
    const [table, mounted, devices] = (readPart(output, 'mounts') ?? []).map((one) => fromWord(one)?.toString())
    return all.map((desired) => {
      if (table === undefined || mounted === undefined || devices === undefined) return { known: false, why: cutOff }
      const isOfIt = (words: readonly string[]): boolean => words[1] === escaped(desired.mount)
      const entry = entriesOf(table).find(isOfIt)
      // The last is on top of the others.
      const last = entriesOf(mounted).findLast(isOfIt)
      const other =
        last === undefined ? undefined : otherDevice(desired, last, new Map(entriesOf(devices) as [string, string][]))
      return { known: true, facts: { entry: entry?.slice(0, 4).join(' '), isMounted: last !== undefined, other } }
    })
  },
  diff: (desired, { entry, isMounted, other }) => {
    const { state, device } = desired
    const to = state === 'absent' ? undefined : entryOf(desired)
    const noted = entry === to ? [] : [{ what: 'entry', from: entry, to }]
    if (state === 'noted') return noted
    if (isMounted !== (state === 'mounted'))
      return [...noted, { what: 'state', from: isMounted ? 'mounted' : 'not mounted', to: state }]
    return other === undefined ? noted : [...noted, { what: 'device', from: other, to: device }]
  },
  apply: (desired, { facts }) => {
    const { mount, state } = desired
    const own = state === 'absent' ? '' : `${entryOf(desired)} 0 0`
    const note = sh`touch /etc/fstab
new=$(mktemp /etc/.fstab.larder-XXXXXX)
LARDER_AT=${escaped(mount)} LARDER_OWN=${own} awk '$1 ~ /^#/ || $2 != ENVIRON["LARDER_AT"] { print } END { if (ENVIRON["LARDER_OWN"] != "") print ENVIRON["LARDER_OWN"] }' /etc/fstab >"$new"
chmod 0644 "$new"
sync -- "$new"
mv -f -- "$new" /etc/fstab
[ ! -d /run/systemd/system ] || systemctl daemon-reload`
    if (state === 'absent') return lines(sh`! mountpoint -q -- ${mount} || umount -- ${mount}`, note)
    if (state === 'noted') return note
    const { folder, at } = placeOf(mount)
    // mount(8) would follow a link, wherever a user lets it lead.
    const make = sh`(\n${enterFolder(folder)}\n{ [ -d ${at} ] && [ ! -L ${at} ]; } || mkdir -- ${at}\n)`
    return lines(makeWay(desired, facts), note, make, mountNow(mount))
  },
}

/**
 * What is mounted from elsewhere, or as another entry says, is unmounted, or gets its new options. Before that is noted: what is noted and
 * mounted counts as done. With both device and folder mount(8) takes no options but these.
 */
function makeWay(desired: Declared, facts: MountFacts | undefined): Script {
  const { mount, device = '', type, options } = desired
  if (facts?.isMounted !== true) return nothing
  if (facts.other !== undefined) return sh`umount -- ${mount}`
  if (facts.entry === undefined || facts.entry === entryOf(desired)) return nothing
  const [oldDevice, , oldType] = facts.entry.split(' ')
  const isOther = oldDevice !== device || (oldType !== type && oldType !== 'auto' && type !== 'auto')
  return isOther ? sh`umount -- ${mount}` : sh`mount -t ${type} -o ${`remount,${options}`} -- ${device} ${mount}`
}

/**
 * By systemd, where that knows the line: what serves a file system of FUSE would else end with the unit that applies this.
 * Source: systemd.mount(5), fstab; in containers it knows no devices.
 */
function mountNow(mount: string): Script {
  return sh`if ! mountpoint -q -- ${mount}; then
unit=
[ ! -d /run/systemd/system ] || unit=$(systemd-escape --path --suffix=mount -- ${mount})
if [ -n "$unit" ] && systemctl cat -- "$unit" >/dev/null 2>&1; then
systemctl start -- "$unit" || { systemctl status --no-pager -n 20 -- "$unit" >&2 || :; exit 1; }
else mount -- ${mount}; fi
fi`
}

/**
 * Of what is declared and of what is mounted there: the block devices, each with the one that its links lead to. What is not there
 * (/dev/root, a disk that was taken out) cannot be compared, and is left out.
 */
function blockDevices(all: readonly Declared[]): Script {
  const devices = all.flatMap(({ device = '' }) => (device.startsWith('/dev/') ? [device] : []))
  const at = all.map(({ mount }) => ` ${escaped(mount)} `).join('')
  return sh`{ for one in ${devices}; do printf '%s\n' "$one"; done
LARDER_AT=${at} awk 'index(ENVIRON["LARDER_AT"], " " $2 " ") && index($1, "/dev/") == 1 { print $1 }' /proc/self/mounts; } | while read -r one; do
if [ -b "$one" ]; then printf '%s %s\n' "$one" "$(readlink -f -- "$one")"; fi
done`
}

/** Servers and paths that the kernel tells as they were given to it. Clients of Ceph and of FUSE put other words there. */
const networkTypes = ['nfs', 'nfs4', 'cifs', 'smb3']

/** Undefined where the one cannot be compared with the other: nothing is unmounted for that. */
function otherDevice(
  { device = '' }: Declared,
  [source = '', , type = '']: readonly string[],
  blocks: ReadonlyMap<string, string>,
): string | undefined {
  const wanted = blocks.get(device) ?? serverPath(device)
  // Of several devices that Btrfs is made of, the kernel names any.
  const block = type === 'btrfs' ? undefined : blocks.get(source)
  const there = networkTypes.includes(type) ? serverPath(source) : block
  return wanted === undefined || there === undefined || wanted === there ? undefined : unescaped(source)
}

/** `server:/path` or `//server/share`, in one spelling. Of several servers, any may have answered. */
function serverPath(device: string): string | undefined {
  if (!/^(?:\/\/|[^,/]+:\/)/.test(device)) return undefined
  return unescaped(device).replace(/\/+/g, '/').replace(/\/$/, '')
}

function entriesOf(text: string): string[][] {
  return text.split('\n').flatMap((line) => (/^\s*(?:#|$)/.test(line) ? [] : [line.trim().split(/\s+/)]))
}

function entryOf({ mount, device = '', type, options }: Declared): string {
  return [device, escaped(mount), type, options].join(' ')
}

/** fstab(5): what separates fields stands as an octal number. */
function escaped(path: string): string {
  return path.replace(/[ \t\\]/g, (mark) => `\\${mark.charCodeAt(0).toString(8).padStart(3, '0')}`)
}

function unescaped(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
}
