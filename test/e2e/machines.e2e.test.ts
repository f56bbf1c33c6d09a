import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startControllerChild, type ControllerChild } from './support/controller-child.ts'
import { createSiteClone, type SiteClone } from './support/site-clone.ts'
import { waitForSuccess } from './support/wait-for-run.ts'
import { openWorkspace, type Workspace } from './support/workspace.ts'

let workspace: Workspace
let controller: ControllerChild
let site: SiteClone
let folder: string
beforeAll(async () => {
  workspace = await openWorkspace()
  folder = workspace.path('machine')
  // What drifts is to stay so until it was looked at here.
  await mkdir(workspace.path('data'), { mode: 0o750 })
  await writeFile(workspace.path('data/controller.yaml'), 'machines: { lookMinutes: 0 }\n')
  controller = await startControllerChild({ dataFolder: workspace.path('data') })
  site = await createSiteClone(workspace.path('site'))
})
afterAll(async () => {
  await controller[Symbol.asyncDispose]()
  await workspace[Symbol.asyncDispose]()
})

const larderYaml = (): string => `site: lab
machines:
  here:
    at: local
    roles: [greeting]
    variables: { folder: ${JSON.stringify(folder)} }
    resources:
      - file: ${JSON.stringify(`${folder}/own`)}
        content: "here only\\n"
        mode: "0600"
`

const role = (text: string): string => `variables: { folder: /nowhere }
resources:
  - directory: "{{folder}}"
  - file: "{{folder}}/greeting"
    content: ${JSON.stringify(text)}
    notify: ["command:count"]
  - command: count
    run: ["/bin/sh", "-c", "echo told >> '{{folder}}/told'"]
    notified-only: true
`

async function machine(...args: string[]): Promise<{ exitCode: number; value: unknown; stderr: string }> {
  const { exitCode, stdout, stderr } = await controller.larder('machine', ...args)
  return { exitCode, value: JSON.parse(stdout), stderr }
}

it('what is merged is made so, a second run changes nothing, and what drifts is put back', async () => {
  await site.commit({ 'larder.yaml': larderYaml(), 'roles/greeting.yaml': role('hello\n') })
  const pushed = await site.push(controller)
  expect(pushed.accepted, pushed.output).toBe(true)
  expect(pushed.output).toContain('machine here')
  await waitForSuccess(controller.client)
  expect(await readFile(`${folder}/greeting`, 'utf8')).toBe('hello\n')
  expect(await readFile(`${folder}/told`, 'utf8')).toBe('told\n')
  expect((await machine('ls')).value).toMatchObject([{ name: 'here', place: 'local', state: 'converged' }])
  expect((await machine('plan')).value).toMatchObject([{ name: 'here', ok: 4, resources: [] }])

  await writeFile(`${folder}/greeting`, 'gone\n')
  const { value: plan } = await machine('plan')
  expect(plan).toMatchObject([
    {
      resources: [
        { id: `file:${folder}/greeting`, differences: [{ what: 'content', from: 'gone\n', to: 'hello\n' }] },
        {},
      ],
    },
  ])
  const { exitCode, value: run, stderr } = await machine('apply')
  expect(exitCode, stderr).toBe(0)
  expect(run).toMatchObject({ state: 'succeeded', origin: 'machine apply', plan: [{ subject: 'machine here' }] })
  expect(await readFile(`${folder}/greeting`, 'utf8')).toBe('hello\n')
  expect(await readFile(`${folder}/told`, 'utf8')).toBe('told\ntold\n')
})

it('a mistake in a role is told at its line, and nothing is changed', async () => {
  await site.commit({ 'roles/greeting.yaml': role('hello\n').replace('{{folder}}/greeting', '{{foldr}}/greeting') })
  const pushed = await site.push(controller)
  expect(pushed.accepted).toBe(false)
  expect(pushed.output).toContain('roles/greeting.yaml:4:11: there is no variable "foldr"')
  expect(pushed.output).toContain('did you mean folder?')
  await site.commit({ 'roles/greeting.yaml': role('hello\n') })
})

it('what fails is named with its machine and what it said, and the next run goes on from there', async () => {
  const failing = `${role('bye\n')}  - command: fail
    run: "echo no such luck >&2; exit 3"
    unless: "test -e '{{folder}}/luck'"
  - file: "{{folder}}/after"
    content: x
    after: ["command:fail"]
`
  await site.commit({ 'roles/greeting.yaml': failing })
  expect((await site.push(controller)).accepted).toBe(true)
  await expect
    .poll(async () => (await controller.client.machine('here')).state, { timeout: 60_000, interval: 200 })
    .toBe('failed')
  const found = await controller.client.machine('here')
  expect(found.why).toContain('Machine here: command:fail')
  expect(found.why).toContain('no such luck')
  expect(found.resources).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ id: 'command:fail', outcome: 'failed' }),
      expect.objectContaining({ id: `file:${folder}/after`, outcome: 'skipped' }),
    ]),
  )
  expect(await readFile(`${folder}/greeting`, 'utf8')).toBe('bye\n')
  const log = await controller.larder('run', 'logs', String(found.run))
  expect(log.stdout).toContain('machine here: command:fail | no such luck')
  await writeFile(`${folder}/luck`, '')
  const again = await machine('apply')
  expect(again.exitCode, again.stderr).toBe(0)
  expect(await readFile(`${folder}/after`, 'utf8')).toBe('x')
  await rm(`${folder}/luck`)
})

it('a machine that is not declared any more is forgotten, and what is on it stays', async () => {
  await site.commit({ 'larder.yaml': 'site: lab\nmachines: {}\n' })
  expect((await site.push(controller)).accepted).toBe(true)
  await expect.poll(async () => (await controller.client.machines()).length, { timeout: 60_000 }).toBe(0)
  expect(await readFile(`${folder}/greeting`, 'utf8')).toBe('bye\n')
})
