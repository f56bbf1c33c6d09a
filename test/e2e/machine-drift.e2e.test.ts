import { createServer, type Server } from 'node:http'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startControllerChild, type ControllerChild } from './support/controller-child.ts'
import { createSiteClone, type SiteClone } from './support/site-clone.ts'
import { waitFor, waitForSuccess } from './support/wait-for-run.ts'
import { openWorkspace, type Workspace } from './support/workspace.ts'

let workspace: Workspace
let controller: ControllerChild
let site: SiteClone
let motd: string
let listener: Server
/** What the listener was told of machines. */
const told: { machine: string; state: string; why: string; run: number | null }[] = []

beforeAll(async () => {
  workspace = await openWorkspace()
  motd = workspace.path('motd')
  listener = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (text: string) => (body += text))
    request.on('end', () => {
      const { type, data } = JSON.parse(body) as { type: string; data: (typeof told)[number] }
      if (type === 'machine.drifted') told.push(data)
      response.writeHead(204).end()
    })
  })
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  const { port } = listener.address() as AddressInfo
  const config = { machines: { lookMinutes: 0.01 }, notify: [{ url: `http://127.0.0.1:${port}/` }] }
  await mkdir(workspace.path('data'), { mode: 0o750 })
  await writeFile(join(workspace.path('data'), 'controller.yaml'), JSON.stringify(config))
  controller = await startControllerChild({ dataFolder: workspace.path('data') })
  site = await createSiteClone(workspace.path('site'))
})
afterAll(async () => {
  await controller[Symbol.asyncDispose]()
  listener.close()
  await workspace[Symbol.asyncDispose]()
})

async function declare(drift: 'heal' | 'report', text = 'hello\n'): Promise<void> {
  const resources = [{ file: motd, content: text }]
  const larderYaml = { site: 'lab', machines: { here: { at: 'local', drift, resources } } }
  await site.commit({ 'larder.yaml': JSON.stringify(larderYaml) })
  const pushed = await site.push(controller)
  expect(pushed.accepted, pushed.output).toBe(true)
  await waitForSuccess(controller.client)
}

const content = () => readFile(motd, 'utf8')
const origins = async () => (await controller.client.runs({ limit: 20 })).map(({ origin }) => origin)

it('what drifts is put back by a run of its own, without a push', async () => {
  await declare('heal')
  await writeFile(motd, 'somebody was here\n')
  await waitFor('the file to be put back', async () => ((await content()) === 'hello\n' ? true : undefined))
  const run = await waitForSuccess(controller.client)
  expect(run).toMatchObject({ origin: 'drift', goal: 'apply', plan: [{ subject: 'machine here' }] })
  await waitFor('the listener to be told', async () => told[0])
  expect(told).toMatchObject([
    { machine: 'here', state: 'different', why: `Not as declared: file:${motd} (content).`, run: run.id },
  ])
  await waitFor('a look that finds it as declared', async () =>
    (await controller.client.machine('here')).state === 'converged' ? true : undefined,
  )
})

it('where it is to be told of, it is, once, and left as it is', async () => {
  await declare('report')
  told.length = 0
  const before = await origins()
  await writeFile(motd, 'somebody was here\n')
  const seen = await waitFor('it to be seen', async () => {
    const machine = await controller.client.machine('here')
    return machine.state === 'different' ? machine : undefined
  })
  expect(seen).toMatchObject({
    why: `Not as declared: file:${motd} (content).`,
    resources: [{ id: `file:${motd}`, outcome: 'change', why: 'content' }],
  })
  const since = seen.checkedAt
  await waitFor('two more looks', async () => {
    const { checkedAt } = await controller.client.machine('here')
    return Date.parse(checkedAt ?? '') > Date.parse(since ?? '') + 1000 ? true : undefined
  })
  expect(await content()).toBe('somebody was here\n')
  expect(await origins()).toEqual(before)
  await waitFor('the listener to be told', async () => told[0])
  expect(told).toMatchObject([{ machine: 'here', state: 'different', run: null }])
  const { stdout } = await controller.larder('doctor')
  expect(JSON.parse(stdout)).toMatchObject({
    findings: expect.arrayContaining([
      expect.objectContaining({ check: 'machines', subject: 'machine here' }),
    ]) as unknown[],
  })
})

it('what a merge changes comes with the merge, also where drift is only told of', async () => {
  await declare('report', 'hello again\n')
  expect(await content()).toBe('hello again\n')
})
