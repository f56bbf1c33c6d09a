import { randomBytes } from 'node:crypto'
import { mkdir, rm, statfs, writeFile } from 'node:fs/promises'
import { execa } from 'execa'
import { expect, it } from 'vitest'
import { startControllerChild } from './support/controller-child.ts'
import { freePort } from './support/free-port.ts'
import { startOpenRegistry } from './support/open-registry.ts'
import { createRandom } from './support/random.ts'
import { createRegistryClient, sha256Of, type RegistryClient } from './support/registry-client.ts'
import { openWorkspace } from './support/workspace.ts'

const kills = 6
const mebibyte = 1024 ** 2

interface Acknowledged {
  blobs: Map<string, Buffer>
  tags: Map<string, string>
}

it('killed at any moment of a push: what was acknowledged is pullable, and uploads go on', async () => {
  await using workspace = await openWorkspace()
  const random = createRandom(7)
  const folder = workspace.path('data')
  const port = await freePort()
  const rounds: Acknowledged[] = []
  let resumed = 0
  let pending: { location: string; bytes: Buffer; heldBytes: number } | undefined
  for (let round = 0; round <= kills; round++) {
    const controller = await startControllerChild({ dataFolder: folder, port })
    const client = createRegistryClient(controller.url, { authorization: `Bearer ${controller.token}` })
    try {
      for (const known of round === kills ? rounds : rounds.slice(-1)) await expectAllThere(client, known)
      if (pending !== undefined) {
        await goOn(client, pending)
        resumed++
      }
      pending = undefined
      if (round === kills) continue
      pending = await beginUpload(client)
      const known: Acknowledged = { blobs: new Map(), tags: new Map() }
      rounds.push(known)
      const pushing = pushUntilGone(client, known, round)
      // Every other time something was acknowledged, however slow the host is.
      if (round % 2 === 1) await untilTagged(known, 3)
      await pause(100 + random.below(700))
      await controller.kill()
      await pushing
    } finally {
      client.close()
      await controller.kill()
    }
  }
  expect(resumed).toBe(kills)
  expect(rounds.reduce((sum, { tags }) => sum + tags.size, 0)).toBeGreaterThan(kills)
})

/** Waits for so many tags, a minute at most. */
async function untilTagged({ tags }: Acknowledged, count: number): Promise<void> {
  for (let looks = 0; looks < 1200 && tags.size < count; looks++) await pause(50)
}

function pause(forMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, forMs))
}

/** Several at once, until the server is gone. Only what was answered is remembered. */
async function pushUntilGone(client: RegistryClient, known: Acknowledged, round: number): Promise<void> {
  const push = async (worker: number): Promise<void> => {
    for (let number = 0; ; number++) {
      const bytes = randomBytes(100_000)
      known.blobs.set(await client.pushBlob('team/app', bytes), bytes)
      const tag = `r${round}-w${worker}-${number}`
      known.tags.set(tag, (await client.pushImage('team/app', tag, tag)).digest)
      await client.pushImage('team/app', 'latest', tag)
      known.tags.set('latest', '')
    }
  }
  const ended = await Promise.allSettled([0, 1, 2].map(push))
  const reasons = ended.map((one) =>
    one.status === 'rejected' ? String((one.reason as NodeJS.ErrnoException).code) : '',
  )
  for (const reason of reasons) expect(reason).toMatch(/^(?:ECONNRESET|ECONNREFUSED|EPIPE)$/)
}

async function expectAllThere({ ask }: RegistryClient, { blobs, tags }: Acknowledged): Promise<void> {
  for (const [digest, bytes] of blobs) {
    const { status, body } = await ask('GET', `/v2/team/app/blobs/${digest}`)
    expect([status, body.equals(bytes)]).toEqual([200, true])
  }
  for (const [tag, digest] of tags) {
    const { status, body } = await ask('GET', `/v2/team/app/manifests/${tag}`)
    expect(status).toBe(200)
    if (digest !== '') expect(sha256Of(body)).toBe(digest)
    for (const { digest: layer } of (JSON.parse(body.toString()) as { layers: { digest: string }[] }).layers) {
      expect((await ask('HEAD', `/v2/team/app/blobs/${layer}`)).status).toBe(200)
    }
  }
}

async function beginUpload({ ask }: RegistryClient): Promise<{ location: string; bytes: Buffer; heldBytes: number }> {
  const bytes = randomBytes(1_500_000)
  const heldBytes = 1_000_000
  const location = (await ask('POST', '/v2/team/app/blobs/uploads/')).headers.location!
  expect((await ask('PATCH', location, { body: bytes.subarray(0, heldBytes) })).status).toBe(202)
  return { location, bytes, heldBytes }
}

async function goOn(
  { ask }: RegistryClient,
  { location, bytes, heldBytes }: { location: string; bytes: Buffer; heldBytes: number },
): Promise<void> {
  expect(await ask('GET', location)).toMatchObject({ status: 204, headers: { range: `0-${heldBytes - 1}` } })
  const headers = { 'content-range': `${heldBytes}-${bytes.length - 1}` }
  const path = `${location}?digest=${sha256Of(bytes)}`
  expect((await ask('PUT', path, { headers, body: bytes.subarray(heldBytes) })).status).toBe(201)
}

it('a full disk is 507; nothing is lost, and with room it goes on', async (context) => {
  if (process.getuid?.() !== 0) context.skip('only root can mount a small file system')
  await using workspace = await openWorkspace()
  const disk = workspace.path('disk')
  await mkdir(disk)
  await execa('mount', ['-t', 'tmpfs', '-o', `size=${96 * mebibyte}`, 'larder-e2e', disk])
  try {
    await using registry = await startOpenRegistry({ folder: `${disk}/data` })
    const { client } = registry
    const image = await client.pushImage('app', 'v1', 'before')
    await fillUpTo(`${disk}/filler`, disk, 40 * mebibyte)
    const pushed = new Map<string, Buffer>()
    let refused: { bytes: Buffer; location: string; status: number; code: string | undefined } | undefined
    for (let number = 0; number < 20 && refused === undefined; number++) {
      const bytes = randomBytes(5 * mebibyte)
      const location = (await client.ask('POST', '/v2/app/blobs/uploads/')).headers.location!
      const answer = await client.ask('PUT', `${location}?digest=${sha256Of(bytes)}`, { body: bytes })
      if (answer.status === 201) pushed.set(sha256Of(bytes), bytes)
      else refused = { bytes, location, status: answer.status, code: answer.errorCode() }
    }
    expect(refused).toMatchObject({ status: 507, code: 'DISK_FULL' })
    expect(pushed.size).toBeGreaterThan(1)
    expect((await client.ask('GET', '/v2/app/manifests/v1')).headers['docker-content-digest']).toBe(image.digest)
    for (const [digest, bytes] of pushed) {
      expect((await client.ask('GET', `/v2/app/blobs/${digest}`)).body.equals(bytes)).toBe(true)
    }
    await rm(`${disk}/filler`)
    const { bytes, location } = refused!
    const { headers } = await client.ask('GET', location)
    const heldBytes = headers['range'] === '0-0' ? 0 : Number(String(headers['range']).split('-')[1]) + 1
    const rest = { headers: { 'content-range': `${heldBytes}-${bytes.length - 1}` }, body: bytes.subarray(heldBytes) }
    expect((await client.ask('PUT', `${location}?digest=${sha256Of(bytes)}`, rest)).status).toBe(201)
    expect((await client.ask('GET', `/v2/app/blobs/${sha256Of(bytes)}`)).body.equals(bytes)).toBe(true)
  } finally {
    await execa('umount', ['--lazy', disk])
  }
})

async function fillUpTo(path: string, folder: string, leftBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder)
  await writeFile(path, Buffer.alloc(Math.max(0, bavail * bsize - leftBytes), 1))
}
