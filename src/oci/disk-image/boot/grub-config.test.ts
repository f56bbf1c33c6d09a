import { describe, expect, it } from 'vitest'
import { makeGrubConfig, type GrubConfig } from './grub-config.ts'

const config: GrubConfig = {
  kernelPath: '/vmlinuz',
  initrdPath: '/initrd.img',
  rootUuid: '11111111-2222-8333-8444-555555555555',
  rootPartitionUuid: '66666666-7777-8888-8999-000000000000',
  kernelArguments: ['quiet', 'systemd.unit="x"'],
}

describe('makeGrubConfig', () => {
  it('names root, consoles and what was asked for', () => {
    const lines = makeGrubConfig(config).split('\n')
    expect(lines).toContain(
      "  linux '/vmlinuz' 'root=PARTUUID=66666666-7777-8888-8999-000000000000' 'ro' 'console=tty0' 'console=ttyS0,115200' 'quiet' 'systemd.unit=\"x\"'",
    )
    expect(lines).toContain("  initrd '/initrd.img'")
  })

  it('leaves out an initrd that is not needed', () => {
    expect(makeGrubConfig({ ...config, initrdPath: undefined })).not.toMatch(/initrd/)
  })

  it.each(["a'b", 'a b', 'a\n}', '', 'é'])('refuses the argument %j', (word) => {
    expect(() => makeGrubConfig({ ...config, kernelArguments: [word] })).toThrow(/cannot be an argument/)
  })
})
