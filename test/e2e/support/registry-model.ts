import { randomBytes } from 'node:crypto'
import { expect } from 'vitest'
import type { createRandom } from './random.ts'
import { configType, imageType, layerType, sha256Of, type RegistryClient } from './registry-client.ts'

type Random = ReturnType<typeof createRandom>

interface Image {
  digest: string
  blobs: string[]
}

export interface RegistryModel {
  /** What one client does next, by chance; what was acknowledged is remembered. */
  step(worker: number): Promise<string>
  /** Everything that was acknowledged is there, byte by byte; what was deleted is not. */
  check(): Promise<void>
  /** Deletes every manifest. */
  deleteAll(): Promise<void>
}

const repositories = ['alpha', 'team/beta', 'team/deep/gamma']

/**
 * What a registry must have after random pushes, mounts, retags and deletes. Layers are shared by all; tags and
 * manifests are each of one worker, so that what must be there does not depend on who was first.
 */
export function createRegistryModel({ ask }: RegistryClient, random: Random): RegistryModel {
  const layers = Array.from({ length: 12 }, (_, index) => randomBytes(1 + index * index * 600))
  const tags = new Map<string, Image>()
  const untagged = new Map<string, Image>()
  const deleted = new Set<string>()
  const expectStatus = async (status: number | number[], ...asked: Parameters<typeof ask>) => {
    const answer = await ask(...asked)
    const wanted = [status].flat()
    if (!wanted.includes(answer.status)) {
      throw new Error(
        `${asked[0]} ${asked[1]}: ${answer.status} instead of ${wanted.join('/')}: ${answer.body.toString()}`,
      )
    }
    return answer
  }

  /** As clients do: what is there is not pushed again. */
  const pushBlob = async (repository: string, bytes: Buffer): Promise<void> => {
    const digest = sha256Of(bytes)
    if ((await expectStatus([200, 404], 'HEAD', `/v2/${repository}/blobs/${digest}`)).status === 200) return
    const from = random.below(2) === 0 ? `?mount=${digest}&from=${random.pick(repositories)}` : ''
    const begun = await expectStatus([201, 202], 'POST', `/v2/${repository}/blobs/uploads/${from}`)
    if (begun.status === 201) return
    const location = begun.headers.location!
    const cut = random.below(3) === 0 ? random.below(bytes.length) : 0
    if (cut > 0) {
      await expectStatus(202, 'PATCH', location, { body: bytes.subarray(0, cut) })
      if (random.below(2) === 0) await expectStatus(204, 'GET', location)
    }
    await expectStatus(201, 'PUT', `${location}?digest=${digest}`, { body: bytes.subarray(cut) })
  }

  const pushImage = async (worker: number): Promise<string> => {
    const repository = random.pick(repositories)
    const tag = `w${worker}-${random.below(6)}`
    const own = Buffer.from(JSON.stringify({ worker, number: random.below(1e9) }))
    const used = Array.from({ length: 1 + random.below(3) }, () => random.pick(layers))
    for (const bytes of [own, ...used]) await pushBlob(repository, bytes)
    const describe = (mediaType: string, bytes: Buffer) => ({ mediaType, digest: sha256Of(bytes), size: bytes.length })
    const manifest = {
      schemaVersion: 2,
      mediaType: imageType,
      config: describe(configType, own),
      layers: used.map((bytes) => describe(layerType, bytes)),
    }
    const body = Buffer.from(JSON.stringify(manifest))
    await expectStatus(201, 'PUT', `/v2/${repository}/manifests/${tag}`, {
      headers: { 'content-type': imageType },
      body,
    })
    const key = `${repository} ${tag}`
    const before = tags.get(key)
    if (before !== undefined) untagged.set(`${repository} ${before.digest}`, before)
    tags.set(key, { digest: sha256Of(body), blobs: [own, ...used].map(sha256Of) })
    return 'push'
  }

  const ownTag = (worker: number) => {
    const own = [...tags].filter(([key]) => key.split(' ')[1]!.startsWith(`w${worker}-`))
    return own.length === 0 ? undefined : random.pick(own)
  }

  const pull = async (repository: string, reference: string, image: Image): Promise<void> => {
    const { body, headers } = await expectStatus(200, 'GET', `/v2/${repository}/manifests/${reference}`)
    expect([sha256Of(body), headers['docker-content-digest']]).toEqual([image.digest, image.digest])
    for (const digest of image.blobs) {
      expect(sha256Of((await expectStatus(200, 'GET', `/v2/${repository}/blobs/${digest}`)).body)).toBe(digest)
    }
  }

  const steps: [number, (worker: number) => Promise<string>][] = [
    [45, pushImage],
    [
      15,
      async (worker) => {
        const [key, image] = ownTag(worker) ?? []
        if (key === undefined) return 'nothing'
        const [repository = '', tag = ''] = key.split(' ')
        await pull(repository, tag, image!)
        return 'pull'
      },
    ],
    [
      12,
      async (worker) => {
        const [key, image] = ownTag(worker) ?? []
        if (key === undefined) return 'nothing'
        const [repository = '', tag = ''] = key.split(' ')
        await expectStatus(202, 'DELETE', `/v2/${repository}/manifests/${tag}`)
        tags.delete(key)
        untagged.set(`${repository} ${image!.digest}`, image!)
        return 'delete tag'
      },
    ],
    [
      12,
      async (worker) => {
        const [key, image] = ownTag(worker) ?? []
        if (key === undefined) return 'nothing'
        const [repository = ''] = key.split(' ')
        await expectStatus(202, 'DELETE', `/v2/${repository}/manifests/${image!.digest}`)
        tags.delete(key)
        deleted.add(`${repository} ${image!.digest}`)
        return 'delete manifest'
      },
    ],
    [
      8,
      async () => {
        const path = `/v2/${random.pick(repositories)}/blobs/uploads/?digest=${sha256Of('never')}`
        await expectStatus(400, 'POST', path, { body: random.pick(layers) })
        return 'wrong digest'
      },
    ],
    [
      8,
      async () => {
        const { headers } = await expectStatus(202, 'POST', `/v2/${random.pick(repositories)}/blobs/uploads/`)
        await expectStatus(202, 'PATCH', headers.location!, { body: random.pick(layers) })
        return 'abandon'
      },
    ],
  ]
  const weights = steps.flatMap(([weight, step]) => Array.from({ length: weight }, () => step))

  return {
    step: (worker) => random.pick(weights)(worker),
    async check() {
      for (const [key, image] of tags) {
        const [repository = '', tag = ''] = key.split(' ')
        await pull(repository, tag, image)
      }
      for (const repository of repositories) {
        const expected = [...tags.keys()].flatMap((key) =>
          key.startsWith(`${repository} `) ? [key.split(' ')[1]!] : [],
        )
        const answer = await expectStatus([200, 404], 'GET', `/v2/${repository}/tags/list`)
        const listed = answer.status === 404 ? [] : answer.json<{ tags: string[] }>().tags
        expect(listed).toEqual(expected.sort())
      }
      for (const key of deleted) {
        const [repository = '', digest = ''] = key.split(' ')
        await expectStatus(404, 'GET', `/v2/${repository}/manifests/${digest}`)
      }
    },
    async deleteAll() {
      for (const [key, image] of [...tags, ...untagged]) {
        const [repository = ''] = key.split(' ')
        await expectStatus([202, 404], 'DELETE', `/v2/${repository}/manifests/${image.digest}`)
      }
      tags.clear()
    },
  }
}
