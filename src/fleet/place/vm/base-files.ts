import type { RootFile } from '../root-archive.ts'

/** By this a machine knows the disk that holds what it is given. Linux: 20 bytes at most. */
export const seedSerial = 'larder-seed'

/** Where a machine keeps what says how it is in its networks. */
export const networkPath = 'etc/larder-machine/network'

/**
 * What is laid over a root so that it is the disk of any machine: at each start, before the network and sshd, it takes from
 * the second disk, an archive, who it is. Keys and the like are taken once, so that what is declared later stays. It waits for
 * no device: systemd gives up on these while a host is busy. Sources: systemd.unit(5), bootup(7); virtio, block device ID.
 */
export function baseFiles(): RootFile[] {
  return [
    { path: 'usr/lib/larder', mode: 0o755 },
    { path: 'usr/lib/larder/seed', mode: 0o755, content: script },
    { path: `etc/systemd/system/${unitName}`, mode: 0o644, content: unit },
    { path: 'etc/systemd/system/sysinit.target.wants', mode: 0o755 },
    { path: `etc/systemd/system/sysinit.target.wants/${unitName}`, mode: 0o777, link: `../${unitName}` },
    // It looks for volumes of LVM, of which there are none, and takes minutes where machines are emulated.
    { path: 'etc/systemd/system/e2scrub_reap.service', mode: 0o777, link: '/dev/null' },
  ]
}

const unitName = 'larder-seed.service'

const unit = `[Unit]
Description=What Larder gives this machine
DefaultDependencies=no
After=systemd-remount-fs.service
Wants=network-pre.target
Before=network-pre.target sysinit.target
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/lib/larder/seed
`

const script = `#!/bin/sh
set -eu
seed=
for disk in /sys/block/vd*; do
  if [ "$(cat "$disk/serial")" = ${seedSerial} ]; then seed=/dev/\${disk##*/}; fi
done
seeded=/var/lib/larder-host/seeded
if [ ! -e "$seeded" ]; then
  tar --extract --file="$seed" --directory=/
  mkdir -p /var/lib/larder-host
  sync
  : >"$seeded"
fi
tar --extract --file="$seed" --directory=/ etc/hostname etc/resolv.conf ${networkPath}
cat /etc/hostname >/proc/sys/kernel/hostname
# Cards come when their driver does.
modprobe virtio_net || :
until ip -batch /${networkPath}; do sleep 1; done
`
