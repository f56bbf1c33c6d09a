import { writeFile } from 'node:fs/promises'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startUpstream, type Upstream } from '../fixtures/upstream/index.ts'
import { complaint, createAptClient, fetchSource } from './support/apt-client.ts'
import { startControllerChild, type ControllerChild } from './support/controller-child.ts'
import { createSiteClone } from './support/site-clone.ts'
import { larderYaml, packageList } from './support/site-text.ts'
import { waitForSuccess } from './support/wait-for-run.ts'
import { openWorkspace, type Workspace } from './support/workspace.ts'

interface Key {
  fingerprint: string
  retiresAt?: string
}

let workspace: Workspace
let upstream: Upstream
let controller: ControllerChild
beforeAll(async () => {
  workspace = await openWorkspace()
  upstream = await startUpstream({ suites: [{ suite: 'stable', packages: [{ name: 'alpha', version: '1.0' }] }] })
  controller = await startControllerChild({ dataFolder: workspace.path('data') })
  const site = await createSiteClone(workspace.path('site'))
  await site.commit({
    'larder.yaml': larderYaml({ test: upstream.url }, { base: {} }),
    'keys/test.asc': upstream.key,
    'packages.json': packageList(['alpha']),
  })
  const pushed = await site.push(controller)
  expect(pushed.accepted, pushed.output).toBe(true)
  await waitForSuccess(controller.client)
})
afterAll(async () => {
  await controller[Symbol.asyncDispose]()
  await upstream.close()
  await workspace[Symbol.asyncDispose]()
})

/** Keys that gpgv, trusting this public key alone, finds good signatures of. */
async function goodSigners(armored: string): Promise<string[]> {
  const keyring = workspace.path('keyring.gpg')
  const release = workspace.path('InRelease')
  await writeFile(release, await textAt('/apt/base/dists/stable/InRelease'))
  const { stdout } = await execa('gpg', ['--batch', '--homedir', workspace.folder, '--dearmor'], {
    input: armored,
    encoding: 'buffer',
    // A key may end with that byte.
    stripFinalNewline: false,
  })
  await writeFile(keyring, stdout)
  const said = await execa('gpgv', ['--status-fd', '1', '--keyring', keyring, release], { reject: false })
  const signers = [...said.stdout.matchAll(/^\[GNUPG:\] VALIDSIG ([0-9A-F]{40})/gm)].map((match) => match[1] ?? '')
  expect(signers.length, `${said.stdout}\n${said.stderr}`).toBeGreaterThan(0)
  return signers
}

async function textAt(path: string): Promise<string> {
  const answer = await fetch(controller.url + path)
  expect(answer.status).toBe(200)
  return answer.text()
}

async function keys(...args: string[]): Promise<Key[]> {
  const { exitCode, stdout, stderr } = await controller.larder('key', ...args)
  expect(exitCode, stderr).toBe(0)
  return JSON.parse(stdout) as Key[]
}

it('a rotated key signs beside the old one, and clients of either are content', async () => {
  const before = await keys('show', 'base')
  expect(before).toMatchObject([{ fingerprint: expect.stringMatching(/^[0-9A-F]{40}$/) }])
  const [old] = before
  const oldKey = await textAt('/keys/base.asc')
  expect(await goodSigners(oldKey)).toEqual([old!.fingerprint])
  const loyal = await createAptClient(workspace.path('loyal'))
  await loyal.setSource(await fetchSource(controller.url, 'base'))
  expect((await loyal.update()).output).not.toMatch(complaint)

  const after = await keys('rotate', 'base')
  expect(after).toHaveLength(2)
  const [next, retiring] = after
  expect(retiring).toMatchObject({ fingerprint: old!.fingerprint, retiresAt: expect.any(String) })
  expect(Date.parse(retiring!.retiresAt!) - Date.now()).toBeGreaterThan(29 * 24 * 3600_000)
  expect(await keys('show', 'base')).toEqual(after)

  // One who has not fetched the new key, and one who comes now.
  const update = await loyal.update()
  expect(update.output).not.toMatch(complaint)
  expect((await loyal.download('alpha')).debs).toEqual(['alpha_1.0_amd64.deb'])
  expect(await goodSigners(oldKey)).toEqual([old!.fingerprint])
  expect((await goodSigners(await textAt('/keys/base.asc'))).sort()).toEqual(
    [old!.fingerprint, next!.fingerprint].sort(),
  )
  const newcomer = await createAptClient(workspace.path('newcomer'))
  await newcomer.setSource(await fetchSource(controller.url, 'base'))
  expect((await newcomer.update()).output).not.toMatch(complaint)
  expect(await newcomer.candidate('alpha')).toBe('1.0')
})

it('a mirror that is not there has no keys', async () => {
  const { exitCode, stderr } = await controller.larder('key', 'rotate', 'other')
  expect(exitCode).toBe(2)
  expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'MIRROR_UNKNOWN' } })
})
