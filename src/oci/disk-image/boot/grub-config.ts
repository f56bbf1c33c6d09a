import { LarderError } from '../../../core/index.ts'

export interface GrubConfig {
  /** A path on the root's file system, as GRUB reads it. */
  kernelPath: string
  initrdPath: string | undefined
  rootUuid: string
  rootPartitionUuid: string
  kernelArguments: readonly string[]
}

/** Last is the one that init talks to: what nobody looks at is not where a machine without a screen speaks. */
const consoles = ['console=tty0', 'console=ttyS0,115200']

/** The file /boot/grub/grub.cfg. USAGE for an argument that GRUB or Linux would take for several. */
export function makeGrubConfig(config: GrubConfig): string {
  config.kernelArguments.forEach(checkArgument)
  const kernelArguments = [`root=PARTUUID=${config.rootPartitionUuid}`, 'ro', ...consoles, ...config.kernelArguments]
  return [
    'set timeout=1',
    'serial --unit=0 --speed=115200',
    'terminal_input console serial',
    'terminal_output console serial',
    `search --no-floppy --fs-uuid --set=root ${config.rootUuid}`,
    "menuentry 'Linux' {",
    `  linux '${config.kernelPath}' ${kernelArguments.map((word) => `'${word}'`).join(' ')}`,
    ...(config.initrdPath === undefined ? [] : [`  initrd '${config.initrdPath}'`]),
    '}',
    '',
  ].join('\n')
}

function checkArgument(word: string): void {
  if (/^[\x21-\x26\x28-\x7e]{1,500}$/.test(word)) return
  throw new LarderError('USAGE', {
    message: `${JSON.stringify(word.slice(0, 100))} cannot be an argument of the kernel.`,
    hint: 'Write each by itself: letters, digits and signs of ASCII, without spaces and without the single quote.',
  })
}
