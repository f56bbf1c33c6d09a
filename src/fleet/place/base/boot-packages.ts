import type { MirrorSource } from '../../resource/resource-type.ts'

/**
 * What a root needs beside, to be that of a machine with a kernel of its own: one made for virtual machines, unless one is
 * asked for, and what finds and checks its disk.
 */
export function bootPackages(format: MirrorSource['format'], asked: readonly string[]): string[] {
  const { kernel, kernels, others } = needs[format]
  return [...others, ...(asked.some((name) => kernels.test(name)) ? [] : [kernel])]
}

const needs = {
  apt: { kernel: 'linux-image-cloud-amd64', kernels: /^linux-image-/, others: ['e2fsprogs', 'udev'] },
  rpm: { kernel: 'kernel-core', kernels: /^kernel/, others: ['dracut', 'e2fsprogs', 'systemd-udev', 'tar'] },
}
