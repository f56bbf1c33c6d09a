import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeDeb } from '../../apt/deb/testing/make-deb.ts'
import type { RunDetail } from '../controller.ts'
import { openTestLarder, type TestLarder } from '../testing/open-test-larder.ts'

const main = join(import.meta.dirname, 'main.ts')
let site: TestLarder

beforeAll(async () => {
  site = await openTestLarder()
})
afterAll(() => site[Symbol.asyncDispose]())

/** A command that opens the data folder itself, and the newest run as `larder run show --json` prints it. */
async function larder(...args: string[]) {
  const words = [main, '--data', site.dataFolder.root, ...args]
  let result: { exitCode?: number; stdout: string; stderr: string } | undefined
  await site.reopen(async () => {
    result = await execa(process.execPath, words, { reject: false, timeout: 60_000 })
  })
  const { controller } = site.larder
  const [last] = await controller.runs({ limit: 1 })
  const newest = JSON.parse(JSON.stringify(await controller.run(last!.id))) as RunDetail
  return { exitCode: result?.exitCode, stdout: result?.stdout ?? '', stderr: result?.stderr, newest }
}

const ownDeb = (name: string): Buffer =>
  makeDeb({
    control: `Package: ${name}\nVersion: 1\nArchitecture: all\nMaintainer: us <a@example.org>\nDescription: ours\n`,
  })

describe('commands that begin a run and wait for it', () => {
  test.each([[['apply']], [['mirror', 'sync']], [['machine', 'apply']]])(
    '%j --json prints the run as it ended, and nothing else',
    async (words) => {
      const { exitCode, stdout, stderr, newest } = await larder('--json', ...words)
      expect(JSON.parse(stdout)).toEqual(newest)
      expect(newest).toMatchObject({ state: 'succeeded', steps: expect.any(Array), plan: expect.any(Array) })
      expect(exitCode).toBe(0)
      // What it says meanwhile is beside the answer.
      expect(stderr).toMatch(/^\d\d:\d\d:\d\d /m)
    },
  )

  test('for people, what the run says is what is printed', async () => {
    const { exitCode, stdout, stderr } = await larder('apply')
    for (const line of stdout.split('\n')) expect(line).toMatch(/^\d\d:\d\d:\d\d /)
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
  })

  test('mirror add --json: what was added, what was refused, and the run', async () => {
    const path = join(site.clone, 'own.deb')
    await writeFile(path, ownDeb('own'))
    const { exitCode, stdout, newest } = await larder('--json', 'mirror', 'add', 'base', path, `${path}.gone`)
    const added = [expect.objectContaining({ name: 'own', version: '1' })]
    expect(JSON.parse(stdout)).toEqual({ added, refused: [expect.objectContaining({ code: 'USAGE' })], run: newest })
    expect(exitCode).toBe(1)
  })

  test('mirror remove --json: what was removed, and the run', async () => {
    const content = Readable.from([ownDeb('other')])
    await site.larder.controller.addPackage('base', { label: 'other.deb', content })
    const { exitCode, stdout, newest } = await larder('--json', 'mirror', 'remove', 'base', 'other')
    expect(JSON.parse(stdout)).toEqual({ removed: [expect.objectContaining({ name: 'other' })], run: newest })
    expect(exitCode).toBe(0)
  })

  test('a run that fails is printed like any other; the exit status is 1', async () => {
    await site.commit({ 'packages.json': '["nobody-has-this"]\n' }, { apply: false })
    const { exitCode, stdout, newest } = await larder('--json', 'apply')
    expect(JSON.parse(stdout)).toEqual(newest)
    expect(newest).toMatchObject({ state: 'failed', error: { code: expect.any(String) } })
    expect(exitCode).toBe(1)
  })
})

test.each([
  ['cannot be reached', 'at: ssh, ssh: { address: 127.0.0.1, port: 1 }', 'cannot be reached: ', 1],
  [
    'waits for what is not published yet',
    'at: local, resources: [{ repository: later }]',
    'what is on it is known later: ',
    0,
  ],
])('machine plan: a machine that %s is told so', async (_what, machine, said, status) => {
  const written = await readFile(join(site.clone, 'larder.yaml'), 'utf8')
  const larderYaml = written
    .replace(/^machines:[^]*/m, '')
    .replace(/^ {2}base: (.*)\n(?! {2}later)/m, '$&  later: $1\n')
  await site.commit({ 'larder.yaml': `${larderYaml}machines:\n  one: { ${machine} }\n` }, { apply: false })
  const { exitCode, stdout } = await larder('machine', 'plan')
  expect(stdout).toContain(`one: ${said}`)
  expect(exitCode).toBe(status)
})
