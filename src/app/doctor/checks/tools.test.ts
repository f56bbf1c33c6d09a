import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { DoctorContext } from '../check.ts'
import { toolsCheck } from './tools.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'larder-tools-'))
  for (const tool of ['xz', 'git-http-backend']) await writeFile(join(folder, tool), '#!/bin/sh\n', { mode: 0o755 })
})
afterEach(() => rm(folder, { recursive: true, force: true }))

async function complaints(version: string, hasPullRequests: boolean): Promise<string[]> {
  const script = `#!/bin/sh\nif [ "$1" = version ]; then echo "${version}"; else echo ${folder}; fi\n`
  await writeFile(join(folder, 'git'), script, { mode: 0o755 })
  const context = {
    siteHead: { current: () => Promise.resolve(undefined) },
    pullRequests: hasPullRequests ? {} : undefined,
  }
  const found = await toolsCheck.look({ environment: { PATH: folder }, context } as unknown as DoctorContext)
  return found.map(({ severity, message }) => `${severity}: ${message}`)
}

test.each([
  ['git version 2.38.0', true, []],
  ['git version 2.39.5 (Vendor Git-154)', true, []],
  ['git version 3.0', true, []],
  ['git version 2.37.9', true, ['error: git version 2.37.9 is too old: pull requests cannot be planned.']],
  ['git version 1.50.0', true, ['error: git version 1.50.0 is too old: pull requests cannot be planned.']],
  ['nonsense', true, ['error: nonsense is too old: pull requests cannot be planned.']],
  ['git version 2.30.2', false, []],
])('%s, pull requests: %s', async (version, hasPullRequests, told) => {
  expect(await complaints(version, hasPullRequests)).toEqual(told)
})

test('no git at all is told once', async () => {
  const context = { siteHead: { current: () => Promise.resolve(undefined) }, pullRequests: {} }
  const found = await toolsCheck.look({ environment: { PATH: folder }, context } as unknown as DoctorContext)
  expect(found).toMatchObject([{ severity: 'error', subject: 'git' }])
})
