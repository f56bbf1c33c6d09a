import { afterEach, beforeEach, expect, test } from 'vitest'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { KnownSecrets, systemClock } from '../../../core/index.ts'
import { fetchSend } from '../../../forge/testing/fetch-send.ts'
import { startStandIn, type StandInForge } from '../../../forge/testing/stand-in-forge.ts'
import type { ForgeName } from '../../../forge/index.ts'
import { controllerSchema } from '../../config/controller-config.ts'
import { connectForge } from '../../site-source/connect-forge.ts'
import type { DoctorContext } from '../check.ts'
import { forgeCheck } from './forge.ts'

let root: string
let forge: StandInForge | undefined
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'larder-forge-check-'))
})
afterEach(async () => {
  await forge?.[Symbol.asyncDispose]()
  forge = undefined
  await rm(root, { recursive: true, force: true })
})

async function start(name: ForgeName): Promise<StandInForge> {
  forge = await startStandIn(name)
  await writeFile(join(root, 'token'), forge.token)
  return forge
}

async function complaints(settings: object): Promise<string[]> {
  const config = controllerSchema.parse({ forge: settings }).forge!
  const options = { config, root, send: fetchSend, clock: systemClock, secrets: new KnownSecrets() }
  const connected = await connectForge(options)
  const { signal } = new AbortController()
  const found = await forgeCheck.look({ connected, signal } as unknown as DoctorContext)
  return found.map(({ severity, message, hint }) => `${severity}: ${message} ${hint}`)
}

test.each<ForgeName>(['github', 'gitlab', 'gitea'])('%s: nothing is wrong with what is right', async (name) => {
  const { config } = await start(name)
  await forge?.push({ 'larder.yaml': 'site: test\n' })
  expect(await complaints({ ...config, tokenFile: 'token' })).toEqual([])
})

test('the built-in endpoint needs no forge', async () => {
  const context = { connected: undefined, signal: new AbortController().signal } as unknown as DoctorContext
  expect(await forgeCheck.look(context)).toEqual([])
})

test('an empty repository', async () => {
  const { config } = await start('gitlab')
  expect(await complaints({ ...config, tokenFile: 'token' })).toEqual([
    expect.stringMatching(/^warning: The repository of the site has no branch main\. Push one/),
  ])
})

test('plain Git that is not there', async () => {
  expect(await complaints({ type: 'git', url: join(root, 'none.git') })).toEqual([
    expect.stringMatching(/^error: The repository of the site cannot be fetched: git ls-remote ended with 128/),
  ])
})

test('a token that is refused', async () => {
  const { config } = await start('github')
  await forge?.push({ 'larder.yaml': 'site: test\n' })
  await writeFile(join(root, 'token'), 'another')
  expect(await complaints({ ...config, tokenFile: 'token' })).toEqual([
    expect.stringMatching(/^error: GitHub does not say what is open: .*401.* Does the token in controller\.yaml have/),
  ])
})

test('a token that may not ask who may approve', async () => {
  const { config, world } = await start('gitea')
  await forge?.push({ 'larder.yaml': 'site: test\n' })
  world.isTokenOfAdministrator = false
  expect(await complaints({ ...config, tokenFile: 'token' })).toEqual([
    expect.stringMatching(/^warning: Gitea does not say who may approve .*Only admins.* must be of an administrator/),
  ])
})
