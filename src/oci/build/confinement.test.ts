import { expect, it } from 'vitest'
import { systemdScope } from './confinement.ts'

it.each([
  [{}, ['--property=TasksMax=4096']],
  [
    { memoryBytes: 512e6, cpus: 1.5 },
    [
      '--property=TasksMax=4096',
      '--property=MemoryMax=512000000',
      '--property=MemorySwapMax=0',
      '--property=CPUQuota=150%',
    ],
  ],
])('systemd is asked for %j', (limits, properties) => {
  const { prefix } = systemdScope('larder-build-1-aa', limits)
  const start = ['systemd-run', '--scope', '--quiet', '--collect', '--unit=larder-build-1-aa']
  expect(prefix).toEqual([...start, ...properties, '--'])
})
