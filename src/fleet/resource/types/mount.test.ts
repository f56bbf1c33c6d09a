import { expect, it } from 'vitest'
import { lines, sh } from '../../shell/script.ts'
import { debianHost } from '../../testing/converge.ts'
import { runScript } from '../../testing/run-script.ts'
import { mountType } from './mount.ts'

const entry = 'nas:/data /srv/data nfs defaults'

/** What is done where that is noted and mounted; each of these functions stands in for a program, and nothing is written. */
function done(declared: object, { refuses = '' } = {}): string[] {
  const desired = mountType.schema.parse({ mount: '/srv/data', device: 'nas:/data', type: 'nfs', ...declared })
  const facts = { entry, isMounted: true }
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
])('%o, %o: %j', (declared, faults, expected) => {
  expect(done(declared, faults)).toEqual(expected)
})
