import { mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { lines, sh } from '../../shell/script.ts'
import { debianHost } from '../../testing/converge.ts'
import { runScript } from '../../testing/run-script.ts'
import type { Difference } from '../resource-type.ts'
import { mountType } from './mount.ts'

const entry = 'nas:/data /srv/data nfs defaults'

/** What is done where that is noted and mounted; each of these functions stands in for a program, and nothing is written. */
function done(declared: object, { refuses = '', other }: { refuses?: string; other?: string } = {}): string[] {
  const desired = mountType.schema.parse({ mount: '/srv/data', device: 'nas:/data', type: 'nfs', ...declared })
  const facts = { entry, isMounted: true, other }
  const script = mountType.apply(desired, { facts, differences: [], host: debianHost })
  const stubs = `mounted=yes
touch() { :; }; chmod() { :; }; sync() { :; }; mkdir() { :; }; awk() { :; }; systemctl() { return 1; }; systemd-escape() { :; }
mktemp() { echo /dev/null; }
mv() { echo noted; }
mountpoint() { [ -n "$mounted" ]; }
umount() { [ ${refuses}x = umountx ] && return 32; mounted=; echo umount; }
mount() { [ ${refuses}x = mountx ] && return 32; echo mount "$@"; }`
  const { stdout, code } = runScript(lines({ shell: stubs }, sh`set -eu`, script), { shell: '/bin/bash' })
  return [...stdout.toString().split('\n').slice(0, -1), ...(code === 0 ? [] : [`exit ${code}`])]
}

// What stands in /etc/fstab says what is mounted: it is written once that is so, or will be by the next look.
it.each([
  [{ device: 'nas-2:/data' }, {}, ['umount', 'noted', 'mount -- /srv/data']],
  [{ type: 'nfs4' }, {}, ['umount', 'noted', 'mount -- /srv/data']],
  [{ type: 'auto', options: 'ro' }, {}, ['mount -t auto -o remount,ro -- nas:/data /srv/data', 'noted']],
  [{ options: 'ro' }, {}, ['mount -t nfs -o remount,ro -- nas:/data /srv/data', 'noted']],
  [{ device: 'nas-2:/data' }, { refuses: 'umount' }, ['exit 32']],
  [{ options: 'rubbish' }, { refuses: 'mount' }, ['exit 32']],
  [{}, { other: 'nas-0:/data' }, ['umount', 'noted', 'mount -- /srv/data']],
  [{ options: 'ro' }, { other: 'nas-0:/data' }, ['umount', 'noted', 'mount -- /srv/data']],
  [{}, { other: 'nas-0:/data', refuses: 'umount' }, ['exit 32']],
  [{ state: 'noted' }, { other: 'nas-0:/data' }, ['noted']],
])('%o, %o: %j', (declared, faults, expected) => {
  expect(done(declared, faults)).toEqual(expected)
})

/** How it differs, where that is noted already, and these lines of /proc/self/mounts say what is mounted. */
function planned(mounts: string, declared: object): readonly Difference[] | string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'larder-mounts-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const desired = mountType.schema.parse({ mount: '/srv/data', type: 'nfs', ...declared })
  writeFileSync(
    join(folder, 'fstab'),
    `${desired.device} ${desired.mount.replace(' ', '\\040')} ${desired.type} defaults 0 0\n`,
  )
  writeFileSync(join(folder, 'mounts'), `/dev/root / ext4 rw 0 0\n${mounts}\n`)
  const shell = mountType.facts!([desired])
    .shell.replaceAll('/proc/self/mounts', join(folder, 'mounts'))
    .replaceAll('/etc/fstab', join(folder, 'fstab'))
  const [looked] = mountType.read(runScript(lines(sh`set -eu`, { shell })).stdout, [desired], [])
  return looked?.known === true ? mountType.diff(desired, looked.facts) : looked?.why
}

const elsewhere = (from: string, to: string) => [{ what: 'device', from, to }]

// Of servers, in words. What cannot be compared stays mounted.
it.each([
  ['nas-1:/data', 'nfs4', 'nas-2:/data', true],
  ['nas-2:/data', 'nfs4', 'nas-2:/data/', false],
  ['nas-2:/', 'nfs4', 'nas-2:/', false],
  ['nas-2:/my\\040data', 'nfs4', 'nas-2:/my\\040data', false],
  ['//nas/one', 'cifs', '//nas/two', true],
  ['//nas/two', 'cifs', '//nas/two/', false],
  ['nas-1:/data', 'nfs4', 'nas-1,nas-2:/data', false],
  ['10.0.0.1:6789:/', 'ceph', 'mon-1:6789:/', false],
  ['nas-2:data', 'fuse.glusterfs', 'nas-1:/data', false],
  ['nas-1:/data', 'nfs', 'UUID=1234', false],
  ['tmpfs', 'tmpfs', 'scratch', false],
  ['/dev/none', 'ext4', '/srv/disk.img', false],
  ['/dev/none', 'ext4', '/dev/none-2', false],
  ['systemd-1', 'autofs', 'nas-2:/data', false],
])('%s is mounted (%s), %s is declared: it differs: %s', (source, type, device, differs) => {
  const there = source.replaceAll('\\040', ' ')
  expect(planned(`${source} /srv/data ${type} rw 0 0`, { device })).toEqual(differs ? elsewhere(there, device) : [])
})

it('of what is mounted over one another the last counts, and it need not be mounted', () => {
  const both =
    'systemd-1 /srv/my\\040data autofs rw 0 0\nnas-2:/x /srv/my\\040data nfs rw 0 0\nnas-1:/x /srv/my\\040data nfs rw 0 0'
  const declared = { mount: '/srv/my data', device: 'nas-2:/x' }
  expect(planned(both, declared)).toEqual(elsewhere('nas-1:/x', 'nas-2:/x'))
  expect(planned(both, { ...declared, state: 'noted' })).toEqual([])
  expect(planned('', declared)).toEqual([{ what: 'state', from: 'not mounted', to: 'mounted' }])
})

it('devices are compared by what their links lead to', (context) => {
  const isBlock = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isBlockDevice() === true
  const [one, two] = readdirSync('/dev')
    .map((name) => `/dev/${name}`)
    .filter(isBlock)
  if (one === undefined || two === undefined) context.skip('cannot look: there are no two block devices here')
  const folder = mkdtempSync(join(tmpdir(), 'larder-links-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  symlinkSync(one!, join(folder, 'link'))
  const link = `/dev/..${folder}/link`
  const mounted = (source: string, type = 'ext4'): string => `${source} /srv/data ${type} rw 0 0`
  expect(planned(mounted(one!), { device: link, type: 'ext4' })).toEqual([])
  expect(planned(mounted(link), { device: one, type: 'ext4' })).toEqual([])
  expect(planned(mounted(two!), { device: link, type: 'ext4' })).toEqual(elsewhere(two!, link))
  expect(planned(mounted(two!), { device: 'nas-1:/data' })).toEqual(elsewhere(two!, 'nas-1:/data'))
  expect(planned(mounted('nas-1:/data', 'nfs'), { device: one, type: 'ext4' })).toEqual(elsewhere('nas-1:/data', one!))
  // One of several that it is made of; a device that is no longer there; another kind.
  expect(planned(mounted(two!, 'btrfs'), { device: one, type: 'btrfs' })).toEqual([])
  expect(planned(mounted('/dev/gone'), { device: one, type: 'ext4' })).toEqual([])
  expect(planned(mounted(two!), { device: 'LABEL=data', type: 'ext4' })).toEqual([])
})
