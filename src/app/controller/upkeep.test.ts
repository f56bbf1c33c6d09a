import { readFile, readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { readCleartextMessage, readKeys, verify } from 'openpgp'
import { afterEach, expect, it } from 'vitest'
import { openTestLarder, type TestLarder } from '../testing/open-test-larder.ts'

const dayMs = 24 * 3600_000
let test: TestLarder
afterEach(() => test[Symbol.asyncDispose]())

/** Key ids of those of the keys that have signed what clients see now. */
async function signers(armored: string): Promise<string[]> {
  const file = await test.larder.controller.published('apt', 'base', 'dists/stable/InRelease')
  const chunks = (await file?.open().toArray()) as Buffer[]
  const message = await readCleartextMessage({ cleartextMessage: Buffer.concat(chunks).toString() })
  const date = new Date(Date.now() + test.clockOffsetMs + dayMs)
  const { signatures } = await verify({
    message,
    verificationKeys: (await readKeys({ armoredKeys: armored })).map((key) => key.toPublic()),
    date,
  })
  const good = await Promise.all(
    signatures.map(async ({ keyID, verified }) => ({ id: keyID.toHex(), good: await verified.catch(() => false) })),
  )
  return good.flatMap((one) => (one.good ? [one.id] : [])).sort()
}

const idOf = (key: { fingerprint: string } | undefined): string => key?.fingerprint.slice(-16).toLowerCase() ?? ''

it('a rotated key takes over in thirty days, and is published at once', async () => {
  test = await openTestLarder()
  const { controller } = test.larder
  const [old, ...others] = await controller.keys('base')
  expect(others).toEqual([])
  expect(old).toMatchObject({ retiresAt: undefined })
  const oldKey = await controller.publicKey('base')
  expect(await signers(oldKey)).toEqual([idOf(old)])
  const { publication } = await controller.mirror('base')

  const [next, retiring] = await controller.rotateKey('base')
  expect(retiring?.fingerprint).toBe(old?.fingerprint)
  const rotated = await controller.mirror('base')
  expect(rotated.publication).toMatchObject({
    snapshotNumber: publication?.snapshotNumber,
    generation: (publication?.generation ?? 0) + 1,
  })
  expect(await signers(oldKey)).toEqual([idOf(old)])
  expect(await signers(await controller.publicKey('base'))).toEqual([idOf(old), idOf(next)].sort())

  test.clockOffsetMs = 31 * dayMs
  expect(await controller.keys('base')).toEqual([{ fingerprint: next?.fingerprint, retiresAt: undefined }])
  await controller.promote('base', 1)
  expect(await signers(oldKey)).toEqual([])
  expect(await signers(await controller.publicKey('base'))).toEqual([idOf(next)])
})

it('an export is the publication, in a folder that is given as a whole path', async () => {
  test = await openTestLarder()
  const { controller } = test.larder
  const folder = join(dirname(test.dataFolder.root), 'stick')
  expect(await controller.exportMirror('base', folder)).toMatchObject({ kept: 0, removed: 0 })
  const names = await readdir(folder, { recursive: true })
  expect(names).toEqual(expect.arrayContaining(['dists/stable/InRelease', 'pool/main/a/alpha/alpha_1.0_amd64.deb']))
  expect(await readFile(join(folder, 'dists/stable/main/binary-amd64/Packages'), 'utf8')).toContain('Package: alpha')
  expect(await controller.exportMirror('base', folder)).toMatchObject({ written: 0, removed: 0 })
  await expect(controller.exportMirror('base', 'stick')).rejects.toMatchObject({ code: 'USAGE' })
  await expect(controller.exportMirror('base', dirname(folder))).rejects.toMatchObject({ code: 'EXPORT_REFUSED' })
})

it('gc removes what nothing refers to, and nothing else', async () => {
  test = await openTestLarder()
  const { controller, context } = test.larder
  const lease = await context.leases.acquire('test')
  const stray = await context.store.write(lease, Buffer.from('nobody needs this'))
  await context.leases.release(lease)
  expect(await controller.collectGarbage()).toMatchObject({ kept: expect.any(Number) })
  expect(await context.store.has(stray)).toBe(false)
  expect(await controller.verify('base')).toEqual([])
})
