import { randomInt } from 'node:crypto'
import { expect, it } from 'vitest'
import { startRpmUpstream } from '../fixtures/rpm-upstream/index.ts'
import { startControllerChild, type ControllerChild } from './support/controller-child.ts'
import { createDnfClient, fetchRepo, type DnfClient } from './support/dnf-client.ts'
import { findLeftovers } from './support/find-leftovers.ts'
import { freePort } from './support/free-port.ts'
import { rpmSiteText } from './support/open-rpm-site.ts'
import { createRandom } from './support/random.ts'
import { createSiteClone } from './support/site-clone.ts'
import { waitForSuccess } from './support/wait-for-run.ts'
import { openWorkspace } from './support/workspace.ts'

const kills = Number(process.env['LARDER_RPM_KILLS'] ?? 5)
const seed = Number(process.env['LARDER_SEED'] ?? randomInt(2 ** 31))
const random = createRandom(seed)
const names = Array.from({ length: kills + 2 }, (_, index) => `pkg${String(index + 1).padStart(2, '0')}`)

/** What dnf says when what it got does not fit together; not that nobody answered. */
const mismatch = /checksum|mismatch|GPG|Status code: 4|not correct|parsing|malformed/i

it(`an RPM mirror goes on after kill -9 at ${kills} moments (LARDER_SEED=${seed})`, async () => {
  await using workspace = await openWorkspace()
  const noise = (name: string): string => `${name} ${'0123456789abcdef'.repeat(20_000)}`
  const upstream = await startRpmUpstream({
    packages: names.map((name) => ({ name, version: '1', files: { [`/usr/share/${name}`]: noise(name) } })),
  })
  const port = await freePort()
  const dataFolder = workspace.path('data')
  const clone = await createSiteClone(workspace.path('site'))
  const start = (): Promise<ControllerChild> => startControllerChild({ dataFolder, port })
  const push = async (controller: ControllerChild, count: number): Promise<void> => {
    await clone.commit({
      'larder.yaml': rpmSiteText(upstream.url, {}),
      'keys/vendor.asc': upstream.key,
      'packages.json': JSON.stringify(names.slice(0, count)),
    })
    const { accepted, output } = await clone.push(controller)
    expect(accepted, output + controller.log()).toBe(true)
  }
  let controller = await start()
  try {
    await push(controller, 1)
    await waitForSuccess(controller.client)
    const client = await createDnfClient(workspace.path('client'))
    await client.setRepo(await fetchRepo(controller.url, 'el9'))
    expect((await client.makecache()).exitCode).toBe(0)
    const done = new AbortController()
    const watching = watch(client, done.signal)
    try {
      for (let count = 2; count <= kills + 1; count++) {
        await push(controller, count)
        await new Promise((resolve) => setTimeout(resolve, random.below(300)))
        await controller.kill()
        controller = await start()
      }
      await push(controller, names.length)
      await waitForSuccess(controller.client)
    } finally {
      done.abort()
    }
    const { complaints, rounds } = await watching
    expect(complaints).toEqual([])
    expect(rounds).toBeGreaterThan(3)
    expect(await controller.client.verify('el9')).toEqual([])
    expect(await client.available()).toEqual(names.map((name) => `${name}-1-1.x86_64`))
    const made = await client.install(...names)
    expect(made.exitCode, made.output).toBe(0)
    await controller.stop()
    expect(await findLeftovers(dataFolder)).toEqual([])
  } finally {
    await controller[Symbol.asyncDispose]()
    await upstream.close()
  }
})

async function watch(client: DnfClient, signal: AbortSignal): Promise<{ rounds: number; complaints: string[] }> {
  const complaints: string[] = []
  let rounds = 0
  while (!signal.aborted) {
    const { output } = await client.makecache()
    if (mismatch.test(output)) complaints.push(output)
    rounds++
  }
  return { rounds, complaints }
}
