import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, it } from 'vitest'

const root = new URL('../..', import.meta.url).pathname.replace(/\/$/, '')
let folder: string
let unit: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'larder-unit-'))
  unit = join(folder, 'larder.service')
  const text = await readFile(join(root, 'examples/larder.service'), 'utf8')
  await writeFile(unit, text.replaceAll('/opt/larder', root))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

it('systemd understands every line of the unit', async () => {
  const { all, exitCode } = await execa('systemd-analyze', ['verify', '--man=no', unit], { all: true, reject: false })
  expect(all.split('\n').filter((line) => line.includes('larder'))).toEqual([])
  expect(exitCode).toBe(0)
})

it('leaves little of the host open', async () => {
  const { stdout } = await execa('systemd-analyze', ['security', '--offline=true', '--no-pager', unit], {
    reject: false,
  })
  const exposure = Number(/exposure level for larder\.service: ([0-9.]+)/.exec(stdout)?.[1])
  expect(exposure).toBeLessThan(2)
})
