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

/** The file /boot/grub/grub.cfg. Values of it were checked: they cannot end a word. */
export function makeGrubConfig(config: GrubConfig): string {
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
