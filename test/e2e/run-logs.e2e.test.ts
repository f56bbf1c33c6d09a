import { execa } from 'execa'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { startUpstream, type Upstream } from '../fixtures/upstream/index.ts'
import { larderProgram, runLarder } from './support/larder-command.ts'
import { openForgeSite, type ForgeSite } from './support/open-forge-site.ts'
import { larderYaml, packageList } from './support/site-text.ts'
import { waitFor } from './support/wait-for-run.ts'

let upstream: Upstream
let site: ForgeSite
let release: () => void
beforeEach(async () => {
  const packages = ['alpha', 'beta'].map((name) => ({ name, version: '1.0' }))
  upstream = await startUpstream({ suites: [{ suite: 'stable', packages }] })
  const files = { 'larder.yaml': larderYaml({ test: upstream.url }, { base: {} }), 'keys/test.asc': upstream.key }
  site = await openForgeSite({ files: { ...files, 'packages.json': packageList(['alpha']) } })
  holdRuns()
})
afterEach(async () => {
  release()
  await site[Symbol.asyncDispose]()
  await upstream.close()
})

/** Runs that begin now have said something, and end when they are let go. */
function holdRuns(): void {
  const { publisher } = site.controller.larder.context
  const addSnapshot = publisher.addSnapshot.bind(publisher)
  const held = Promise.withResolvers<undefined>()
  publisher.addSnapshot = async (snapshot) => {
    await held.promise
    return addSnapshot(snapshot)
  }
  release = () => held.resolve(undefined)
}

const command = (...args: string[]): string[] => ['--data', site.workspace.path('data'), 'run', 'logs', ...args]

/** A run that is under way, and a command that has told what it said so far. */
async function follow(...options: string[]) {
  await site.forge.push({ 'packages.json': packageList(['alpha', 'beta']) })
  const { client } = site.controller
  const id = await waitFor('a run that says something', async () => {
    const [run] = await client.runs({ limit: 1, state: 'running' })
    return run !== undefined && (await client.runLog(run.id)).length > 0 ? run.id : undefined
  })
  const following = execa(process.execPath, [larderProgram, ...options, ...command('-f', `${id}`)], {
    reject: false,
    stdin: 'ignore',
    timeout: 60_000,
  })
  let said = ''
  following.stdout.on('data', (part: Buffer) => (said += part.toString()))
  await waitFor('the first lines', () => Promise.resolve(said.includes('\n') ? said : undefined))
  return { id, following, said: () => said }
}

it('run logs -f tells what a run says while it says it, and ends with it', async () => {
  const { id, following, said } = await follow()
  const before = said()
  expect(await site.controller.client.run(id)).toMatchObject({ state: 'running' })
  release()
  const { exitCode, stdout } = await following
  expect(exitCode).toBe(0)
  const log = await site.controller.client.runLog(id)
  expect(stdout.split('\n')).toEqual(log.map(({ at, message }) => `${at.slice(11, 19)} ${message}`))
  expect(stdout.length).toBeGreaterThan(before.length)
  // Afterwards, and without -f: the same.
  for (const args of [command('-f', `${id}`), command(`${id}`)]) {
    expect(await runLarder(args)).toMatchObject({ exitCode: 0, stdout })
  }
})

it('run logs -f --json: a line of JSON for each', async () => {
  const { id, following } = await follow('--json')
  release()
  const { exitCode, stdout } = await following
  expect(exitCode).toBe(0)
  const log = await site.controller.client.runLog(id)
  expect(stdout.split('\n').map((line) => JSON.parse(line) as unknown)).toEqual(log)
})

it('a run that is cancelled ends run logs -f with an error', async () => {
  const { id, following } = await follow()
  await site.controller.client.cancelRun(id)
  release()
  expect(await following).toMatchObject({ exitCode: 1 })
  expect(await site.controller.client.run(id)).toMatchObject({ state: 'cancelled' })
})

it('whoever has seen enough ends run logs -f, and the run goes on', async () => {
  const { id, following } = await follow()
  following.kill('SIGINT')
  expect((await following).exitCode).toBeGreaterThan(0)
  expect(await site.controller.client.run(id)).toMatchObject({ state: 'running' })
})

it('there is no log of a run that is not there', async () => {
  const { exitCode, stderr } = await runLarder(command('-f', '99'))
  expect({ exitCode, stderr }).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('RUN_UNKNOWN') as string })
})
