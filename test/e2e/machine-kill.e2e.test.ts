import { randomInt } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { startControllerChild } from './support/controller-child.ts'
import { createRandom } from './support/random.ts'
import { createSiteClone } from './support/site-clone.ts'
import { waitForSuccess } from './support/wait-for-run.ts'
import { openWorkspace } from './support/workspace.ts'

const kills = Number(process.env['LARDER_KILLS'] ?? 4)
const seed = Number(process.env['LARDER_SEED'] ?? randomInt(2 ** 31))
const steps = 8

/** Commands one after the other, each to be done once: it writes its name where it could be seen twice. */
function larderYaml(folder: string): string {
  const step = (number: number) => ({
    command: `step ${number}`,
    run: `sleep 0.3; echo ${number} >>${folder}/done; : >${folder}/made-${number}`,
    creates: `${folder}/made-${number}`,
    after: [number === 1 ? `file:${folder}/text` : `command:step ${number - 1}`],
  })
  const told = { command: 'told', run: `echo told >>${folder}/told`, 'notified-only': true }
  const resources = [
    { directory: folder },
    { file: `${folder}/text`, content: 'hello\n', notify: 'command:told' },
    ...Array.from({ length: steps }, (_, at) => step(at + 1)),
    told,
  ]
  return JSON.stringify({ site: 'lab', machines: { here: { at: 'local', resources } } })
}

it(`an apply of machines goes on after kill -9 at ${kills} moments, and nothing is done twice (LARDER_SEED=${seed})`, async () => {
  const random = createRandom(seed)
  await using workspace = await openWorkspace()
  const folder = workspace.path('machine')
  const start = () => startControllerChild({ dataFolder: workspace.path('data') })
  const site = await createSiteClone(workspace.path('site'))
  await site.commit({ 'larder.yaml': larderYaml(folder) })
  let controller = await start()
  try {
    expect((await site.push(controller)).accepted).toBe(true)
    for (let kill = 0; kill < kills; kill++) {
      await delay(random.below(1000))
      await controller.kill()
      controller = await start()
    }
    await waitForSuccess(controller.client)
    expect(await readFile(`${folder}/done`, 'utf8')).toBe(
      Array.from({ length: steps }, (_, at) => `${at + 1}\n`).join(''),
    )
    expect(await readFile(`${folder}/told`, 'utf8')).toBe('told\n')
    const [run, ...others] = await controller.client.runs({ limit: 10 })
    expect([run?.state, others]).toEqual(['succeeded', []])
    // Killed between the last of it and its report: the next run finds nothing to do, and the next look tells so.
    const found = async () => (await controller.client.machine('here')).state
    await expect.poll(found, { timeout: 120_000, interval: 500 }).toBe('converged')
  } finally {
    await controller[Symbol.asyncDispose]()
  }
})
