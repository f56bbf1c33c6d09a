import { once } from 'node:events'
import { copyFile, mkdir } from 'node:fs/promises'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { ControllerClient } from '../../src/app/cli/session.ts'
import { startUpstream } from '../fixtures/upstream/index.ts'
import { startControllerChild } from './support/controller-child.ts'
import { freePort } from './support/free-port.ts'
import { createSiteClone } from './support/site-clone.ts'
import { larderYaml, packageList } from './support/site-text.ts'
import { waitFor, waitForSuccess } from './support/wait-for-run.ts'
import { openWorkspace } from './support/workspace.ts'

const packages = ['alpha', 'beta', 'delta'].map((name) => ({ name, version: '1.0' }))

it('packages of main are published while an image of develop is built, through kills of the controller', async () => {
  await using workspace = await openWorkspace()
  const upstream = await startUpstream({ suites: [{ suite: 'stable', packages }] })
  await using atEnd = new AsyncDisposableStack()
  atEnd.defer(() => upstream.close())
  await using gate = await openGate()
  const [dataFolder, port] = [workspace.path('data'), await freePort()]
  const site = await createSiteClone(workspace.path('site'))
  await mkdir(join(site.folder, 'counter'))
  await copyFile('/bin/busybox', join(site.folder, 'counter/busybox'))
  const mirrors = larderYaml({ test: upstream.url }, { base: {} })
  const files = (list: readonly string[]): Record<string, string> => ({
    'larder.yaml': `${mirrors}images: { list: images.json, on: { branch: develop } }\n`,
    'images.json': JSON.stringify([{ service_name: 'counter', type: 'Docker', version: '1.0' }]),
    'keys/test.asc': upstream.key,
    'packages.json': packageList(list),
    'counter/Dockerfile': [
      'FROM scratch',
      'COPY busybox /bin/sh',
      'COPY busybox /bin/busybox',
      `RUN /bin/busybox nc 127.0.0.1 ${gate.port}`,
      'CMD ["/bin/busybox"]',
      '',
    ].join('\n'),
  })
  for (const [life, { name }] of packages.entries()) {
    const controller = await startControllerChild({ dataFolder, port })
    try {
      if (life === 0) {
        await site.commit(files([]))
        for (const branch of ['main', 'develop']) expect((await site.push(controller, branch)).accepted).toBe(true)
      }
      await waitFor('the build to be at its gate', () => Promise.resolve(gate.arrivals() > life ? true : undefined))
      await site.commit(files(packages.slice(0, life + 1).map((one) => one.name)))
      expect((await site.push(controller)).accepted).toBe(true)
      await waitFor(`${name} to be published`, () => isPublished(controller.client, name))
      // The apply of main may still be looking at what it has published.
      const working = await controller.client.runs({ limit: 9, state: 'running' })
      expect(working.map(({ branch, goal }) => `${goal} ${branch}`)).toContain('apply develop')
    } finally {
      await controller.kill()
    }
  }
  gate.open()
  await using controller = await startControllerChild({ dataFolder, port })
  await waitForSuccess(controller.client, 120_000)
  expect(await controller.client.image('counter')).toMatchObject({ state: 'published', version: '1.0' })
  const runs = await controller.client.runs({ limit: 50 })
  const applied = runs.filter(({ branch, goal }) => branch === 'main' && goal === 'apply')
  expect(applied.map(({ state }) => state)).toEqual(packages.map(() => 'succeeded').concat('succeeded'))
  expect(runs.filter(({ branch, goal }) => branch === 'develop' && goal === 'apply')).toHaveLength(1)
})

async function isPublished(client: ControllerClient, name: string): Promise<true | undefined> {
  const held = await client.packages('base').catch(() => [])
  return held.some((one) => one.name === name) ? true : undefined
}

interface Gate extends AsyncDisposable {
  readonly port: number
  /** Builds that have come to it so far. */
  arrivals(): number
  /** Lets in who waits and who comes. */
  open(): void
}

/** Who connects is kept waiting until it is opened. */
async function openGate(): Promise<Gate> {
  const arrived: Socket[] = []
  let isOpen = false
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => socket.destroy())
    arrived.push(socket)
    if (isOpen) socket.end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    arrivals: () => arrived.length,
    open() {
      isOpen = true
      for (const socket of arrived) socket.end()
    },
    async [Symbol.asyncDispose]() {
      for (const socket of arrived) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
