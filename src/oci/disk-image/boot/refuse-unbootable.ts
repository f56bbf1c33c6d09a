import { LarderError } from '../../../core/index.ts'
import type { RootTree } from '../source/root-tree.ts'
import type { MissingPart } from './boot-parts.ts'
import { readText } from './kernel-image.ts'

/** What an ordinary image of an application lacks, by family of distributions, each as the packages that bring it. */
const packages: Record<string, Record<'kernel' | 'initrd' | 'init', string>> = {
  debian: { kernel: 'linux-image-amd64 (or linux-image-cloud-amd64)', initrd: 'initramfs-tools', init: 'systemd-sysv' },
  ubuntu: { kernel: 'linux-image-virtual', initrd: 'initramfs-tools', init: 'systemd-sysv' },
  fedora: { kernel: 'kernel-core', initrd: 'dracut', init: 'systemd' },
  rhel: { kernel: 'kernel-core', initrd: 'dracut', init: 'systemd' },
  suse: { kernel: 'kernel-default', initrd: 'dracut', init: 'systemd-sysvinit' },
  alpine: { kernel: 'linux-virt', initrd: 'mkinitfs', init: 'openrc' },
}

/**
 * DISK_IMAGE_UNBOOTABLE: names every part that is missing, with the packages that bring it.
 *
 * @param label what it is that cannot start: `The image`, `The base`
 */
export async function refuseUnbootable(tree: RootTree, missing: readonly MissingPart[], label: string): Promise<never> {
  const family = await familyOf(tree)
  const needed = missing.flatMap(({ part }) => packageOf(family, part))
  const parts = missing.map(({ part, why }) => `${part} (${why})`).join('; ')
  throw new LarderError('DISK_IMAGE_UNBOOTABLE', {
    message: `${label} cannot start a machine. Missing: ${parts}.`,
    hint: [
      needed.length > 0 ? `Install ${needed.join(', ')} in the Dockerfile` : 'Add them in the Dockerfile',
      'or run the image as a service on a base that has them: larder disk make --base.',
    ].join(', '),
    context: { missing: missing.map(({ part }) => part), packages: needed },
  })
}

function packageOf(family: string | undefined, part: MissingPart['part']): string[] {
  if (part === 'architecture' || part === 'command' || family === undefined) return []
  return [packages[family]![part]]
}

/** Source: os-release(5). */
async function familyOf(tree: RootTree): Promise<string | undefined> {
  const file = tree.find('/etc/os-release') ?? tree.find('/usr/lib/os-release')
  if (file?.kind !== 'file') return undefined
  const text = await readText(file)
  const valueOf = (key: string): string => new RegExp(`^${key}="?([^"\n]*)"?$`, 'm').exec(text)?.[1] ?? ''
  return [valueOf('ID'), ...valueOf('ID_LIKE').split(' ')].find((name) => Object.hasOwn(packages, name))
}
