import type { RootRoom } from './base-root.ts'
import { baseFailed } from './run-maker.ts'
import { runWithDevices } from './run-with-devices.ts'

/**
 * Makes for each kernel of a root what it starts with, for any machine: what the package of the kernel has made, if it has, is
 * for this host. Source: dracut(8), --no-hostonly.
 */
export async function makeInitrds(
  root: string,
  { signal, progress }: Pick<RootRoom, 'signal' | 'progress'>,
): Promise<void> {
  const said: string[] = []
  const onLine = (line: string): void => {
    said.push(line)
    if (said.length > 100) said.shift()
    if (line.startsWith('initrd ')) progress.log(`what ${line.slice(7)} starts with is made`)
  }
  const options = { signal, package: 'coreutils', onLine }
  const { code } = await runWithDevices(root, ['chroot', root, '/bin/sh', '-ec', script], options)
  if (code !== 0) throw baseFailed('dracut', said.join('\n'))
}

/** In the root. Kernels are beside their modules, or in /boot. */
const script = `for modules in /lib/modules/*; do
  release=\${modules##*/}
  if ! [ -e "$modules/vmlinuz" ] && ! [ -e "/boot/vmlinuz-$release" ]; then continue; fi
  echo "initrd $release"
  depmod -a "$release"
  mkdir -p /boot
  dracut --force --no-hostonly "/boot/initramfs-$release.img" "$release"
done`
