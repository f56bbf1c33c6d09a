import { execFileSync } from 'node:child_process'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openFleetCredentials } from './credentials.ts'
import { credentialFiles, credentialsArchive } from './credentials-archive.ts'
import { makeOpenSshKey } from './openssh-key.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'larder-credentials-'))
})
afterAll(() => rm(folder, { recursive: true }))

describe('makeOpenSshKey', () => {
  it.each(['', 'a', 'web-1', 'of twenty characters', '日本'])(
    'ssh-keygen reads what it makes, comment %j',
    async (comment) => {
      const { privateKey, publicLine } = makeOpenSshKey(comment)
      const path = join(folder, 'key')
      await writeFile(path, privateKey, { mode: 0o600 })
      expect(execFileSync('ssh-keygen', ['-y', '-P', '', '-f', path]).toString().trim()).toBe(publicLine.trim())
      await rm(path)
    },
  )
})

describe('openFleetCredentials', () => {
  it('gives the same keys each time, and others to other machines', async () => {
    const machines = join(folder, 'same')
    const first = await openFleetCredentials(machines)
    const [one, two] = [await first.of('web-1'), await first.of('web-2')]
    const second = await openFleetCredentials(machines)
    expect(second.authorizedKey).toBe(first.authorizedKey)
    expect(await second.of('web-1')).toEqual(one)
    expect(two.hostKey.publicLine).not.toBe(one.hostKey.publicLine)
  })

  it('keeps keys where only their owner reads them', async () => {
    const credentials = await openFleetCredentials(join(folder, 'modes'))
    await credentials.of('db')
    const hostKey = join(folder, 'modes', 'hosts', 'db', 'host_ed25519')
    for (const path of [credentials.identityFile, hostKey]) {
      expect((await stat(path)).mode & 0o777).toBe(0o600)
      expect((await stat(join(path, '..'))).mode & 0o777).toBe(0o700)
    }
  })

  it('has ssh believe the key that the machine is given, or those that somebody trusted', async () => {
    const credentials = await openFleetCredentials(join(folder, 'believed'))
    const { hostKey } = await credentials.of('db')
    const path = credentials.knownHostsFile('db')
    expect(execFileSync('ssh-keygen', ['-F', 'db', '-f', path]).toString()).toContain(hostKey.publicLine.split(' ')[1])
    const other = makeOpenSshKey('other').publicLine
    await credentials.trust('db', [{ publicLine: other }])
    expect(await readFile(path, 'utf8')).toBe(`db ${other.replace(/ other$/, '')}\n`)
  })

  it('makes other keys once a machine is forgotten', async () => {
    const credentials = await openFleetCredentials(join(folder, 'forgotten'))
    const { hostKey } = await credentials.of('db')
    await credentials.forget('db')
    expect((await credentials.of('db')).hostKey.publicLine).not.toBe(hostKey.publicLine)
  })

  it.each(['', '..', 'a/b', 'A', '-a', 'a\n'])('the name %j leads nowhere else', async (name) => {
    const credentials = await openFleetCredentials(join(folder, 'names'))
    await expect(credentials.of(name)).rejects.toMatchObject({ code: 'FLEET_MACHINE_UNKNOWN' })
  })
})

it('what a machine is given is an archive that tar reads, of root, and closed to others', async () => {
  const credentials = { hostKey: makeOpenSshKey('db'), authorizedKey: 'ssh-ed25519 AAAA larder' }
  const input = await credentialsArchive(credentials)
  const listed = execFileSync('tar', ['-tv', '--numeric-owner', '-f', '-'], { input }).toString()
  expect(listed).toMatch(/^-rw------- 0\/0 .* etc\/ssh\/ssh_host_ed25519_key$/m)
  expect(listed).toMatch(/^-rw------- 0\/0 .* root\/\.ssh\/authorized_keys$/m)
  expect(listed).toMatch(/^drwx------ 0\/0 .* root\/\.ssh\/?$/m)
  expect(listed.trim().split('\n')).toHaveLength(credentialFiles(credentials).length)
})
