import { access, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LarderError } from '../../../core/index.ts'
import { runProgram } from '../program.ts'

export interface GrubOptions {
  /** Of the file system that has /boot. */
  rootUuid: string
  /** Empty, and the caller's to remove. */
  workFolder: string
  signal: AbortSignal
  /** Where the host has GRUB's modules. Default /usr/lib/grub. */
  modulesFolder?: string
}

/** A GRUB that knows everything it needs to find its configuration on a partition with ext4. */
export interface Grub {
  /** Its first sector, and the rest, each as GRUB's own program leaves them: to be placed by `placeGrub`. */
  bios: { bootSector: Buffer; core: Buffer }
  /** Undefined unless it was asked for. */
  efi: Buffer | undefined
}

/** In the image of GRUB itself, so that /boot needs no modules; some are there for what update-grub writes. */
const modules = [
  ...['part_gpt', 'part_msdos', 'ext2', 'search', 'search_fs_uuid', 'search_label', 'normal', 'configfile', 'linux'],
  ...['serial', 'terminal', 'boot', 'echo', 'test', 'sleep', 'reboot', 'halt', 'gzio', 'minicmd', 'loadenv'],
  ...['regexp', 'ls', 'cat', 'gettext', 'all_video', 'gfxterm'],
]

/** Makes a GRUB for BIOS, and one for UEFI where that is asked for. TOOL_MISSING, DISK_IMAGE_FAILED, CANCELLED. */
export async function makeGrub(options: GrubOptions & { hasEfi: boolean }): Promise<Grub> {
  const { modulesFolder = '/usr/lib/grub' } = options
  const bios = join(modulesFolder, 'i386-pc')
  await requireModules(bios, 'grub-pc-bin', '')
  const core = await makeImage('i386-pc', ['biosdisk', ...modules], options)
  const bootSector = await readFile(join(bios, 'boot.img'))
  if (!options.hasEfi) return { bios: { bootSector, core }, efi: undefined }
  await requireModules(join(modulesFolder, 'x86_64-efi'), 'grub-efi-amd64-bin', ', or leave UEFI out (firmware: bios)')
  return { bios: { bootSector, core }, efi: await makeImage('x86_64-efi', modules, options) }
}

async function requireModules(folder: string, packageName: string, orElse: string): Promise<void> {
  const there = await access(folder).then(
    () => true,
    () => false,
  )
  if (there) return
  throw new LarderError('TOOL_MISSING', {
    message: `the boot loader cannot be made: this host has no ${folder}`,
    hint: `apt-get install ${packageName}${orElse}`,
    context: { package: packageName },
  })
}

async function makeImage(format: string, names: readonly string[], options: GrubOptions): Promise<Buffer> {
  const { rootUuid, workFolder, signal, modulesFolder = '/usr/lib/grub' } = options
  const configPath = join(workFolder, `grub-${format}.cfg`)
  const imagePath = join(workFolder, `grub-${format}.img`)
  const lines = [
    `search.fs_uuid ${rootUuid} root`,
    'set prefix=($root)/boot/grub',
    'configfile ($root)/boot/grub/grub.cfg',
  ]
  await writeFile(configPath, `${lines.join('\n')}\n`)
  const folders = ['-d', join(modulesFolder, format), '-p', '/boot/grub']
  await runProgram('grub-mkimage', ['-O', format, '-o', imagePath, '-c', configPath, ...folders, ...names], {
    signal,
    package: 'grub-common',
    failure: 'the boot loader cannot be made',
  })
  return await readFile(imagePath)
}
