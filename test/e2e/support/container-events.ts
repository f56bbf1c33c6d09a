import { copyFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { expect, it } from 'vitest'
import { containerEngines } from '../../../src/fleet/place/container/engine.ts'
import { engineChoice } from '../../../src/fleet/place/container/engine-choice.ts'
import { watchContainers } from '../../../src/fleet/place/container/engine-events.ts'
import type { TestEngine } from './container-machines.ts'
import { waitFor } from './wait-for-run.ts'
import { openWorkspace } from './workspace.ts'

/** What every engine must tell of containers. */
export function containerEventsContract(openEngine: (folder: string) => Promise<TestEngine>): void {
  it('tells when a container of ours has ended, now or shortly before, and of no other', async () => {
    await using workspace = await openWorkspace()
    const root = workspace.path('root')
    await mkdir(join(root, 'bin'), { recursive: true })
    for (const name of ['sh', 'sleep']) await copyFile('/bin/busybox', join(root, 'bin', name))
    await using engine = await openEngine(workspace.path('engine'))
    const image = workspace.path('image.tar')
    await execa('tar', ['--create', `--file=${image}`, `--directory=${root}`, '.'])
    await engine.run('import', image, 'sleeper:1')
    const start = async (...labels: string[]): Promise<string> => {
      const options = ['--detach', '--network=none', ...labels.map((label) => `--label=${label}`)]
      return (await engine.run('run', ...options, 'sleeper:1', 'sleep', '1000')).stdout
    }
    const control = new AbortController()
    const ended: string[] = []
    const { choose } = engineChoice(containerEngines({ dockerHost: engine.dockerHost }))
    const before = [await start(), await start('larder.site=test')]
    await engine.run('rm', '--force', ...before)
    const watching = watchContainers(await choose(), (id) => ended.push(id), control.signal)
    try {
      const theirs = await start()
      const ours = await start('larder.site=test')
      // Nobody tells when the engine has begun to tell.
      await waitFor('an end to be told', async () => {
        await engine.run('kill', ours, theirs)
        await engine.run('start', ours, theirs)
        return ended.includes(ours) || undefined
      })
      expect(new Set(ended)).toEqual(new Set([before[1], ours]))
      await engine.run('rm', '--force', ours, theirs)
    } finally {
      control.abort()
      await expect(watching).rejects.toMatchObject({ code: 'CANCELLED' })
    }
  })
}
