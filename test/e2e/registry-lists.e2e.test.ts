import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startOpenRegistry, type OpenRegistry } from './support/open-registry.ts'
import { imageType, indexType, sha256Of, type PushedImage, type RegistryAnswer } from './support/registry-client.ts'

let registry: OpenRegistry
let image: PushedImage
const tags = ['10', '2', 'A', 'Z', '_x', 'a', 'a.b', 'latest', 'v1']
beforeAll(async () => {
  registry = await startOpenRegistry()
  image = await registry.client.pushImage('team/app', 'v1', 'first')
  for (const tag of tags) await registry.client.pushManifest('team/app', tag, image.manifest)
})
afterAll(() => registry[Symbol.asyncDispose]())

const ask = (...args: Parameters<OpenRegistry['client']['ask']>): Promise<RegistryAnswer> =>
  registry.client.ask(...args)
const listPath = '/v2/team/app/tags/list'
const namesOf = (answer: RegistryAnswer) => answer.json<{ tags: string[] }>().tags
const nextOf = (answer: RegistryAnswer) => /^<([^>]+)>; rel="next"$/.exec(String(answer.headers.link))?.[1]

describe('tags', () => {
  it('are sorted, each once', async () => {
    const answer = await ask('GET', listPath)
    expect(answer.status).toBe(200)
    expect(answer.headers.link).toBeUndefined()
    expect(answer.json()).toEqual({ name: 'team/app', tags })
  })

  it.each([
    ['n=0', []],
    ['n=3', tags.slice(0, 3)],
    ['n=9', tags],
    ['n=1000', tags],
    ['last=Z', tags.slice(4)],
    ['last=Y', tags.slice(3)],
    ['last=v1', []],
    ['n=2&last=a', ['a.b', 'latest']],
    ['n=0&last=a', []],
  ])('?%s', async (query, expected) => {
    const answer = await ask('GET', `${listPath}?${query}`)
    expect(namesOf(answer)).toEqual(expected)
    const more = /^n=[1-9]/.test(query) && expected.length > 0 && expected.at(-1) !== 'v1'
    expect(answer.headers.link !== undefined).toBe(more)
  })

  it.each([1, 2, 4, 9])('in pages of %i, by their links', async (count) => {
    const seen: string[] = []
    let next: string | undefined = `${listPath}?n=${count}`
    for (let pages = 0; next !== undefined && pages < 20; pages++) {
      const answer = await ask('GET', next)
      seen.push(...namesOf(answer))
      next = nextOf(answer)
    }
    expect(seen).toEqual(tags)
  })

  it.each(['n=-1', 'n=x', 'n=1.5', 'n='])('?%s is 400', async (query) => {
    expect((await ask('GET', `${listPath}?${query}`)).status).toBe(400)
  })

  it('of no repository are 404; of one that has lost its last tag, none', async () => {
    const answer = await ask('GET', '/v2/team/none/tags/list')
    expect([answer.status, answer.errorCode()]).toEqual([404, 'NAME_UNKNOWN'])
    await registry.client.pushImage('team/bare', 'only', 'bare')
    await ask('DELETE', '/v2/team/bare/manifests/only')
    expect((await ask('GET', '/v2/team/bare/tags/list')).json()).toEqual({ name: 'team/bare', tags: [] })
  })

  it('the catalog lists repositories in pages', async () => {
    await registry.client.pushImage('another', 'v1', 'another')
    const whole = await ask('GET', '/v2/_catalog')
    const all = whole.json<{ repositories: string[] }>().repositories
    expect(all).toEqual(expect.arrayContaining(['another', 'team/app']))
    const first = await ask('GET', '/v2/_catalog?n=1')
    expect(first.json()).toEqual({ repositories: all.slice(0, 1) })
    expect((await ask('GET', nextOf(first)!)).json()).toEqual({ repositories: all.slice(1, 2) })
  })
})

describe('referrers', () => {
  const path = (digest: string, query = '') => `/v2/team/app/referrers/${digest}${query}`
  const descriptorOf = ({ digest, sizeBytes }: PushedImage) => ({ mediaType: imageType, digest, size: sizeBytes })
  const referrer = (subject: object, more: object) => ({ ...image.manifest, subject, ...more })
  const listed = (answer: RegistryAnswer) => answer.json<{ manifests: Record<string, unknown>[] }>().manifests

  it.each([
    ['a subject without any', () => image.digest],
    ['a digest that nobody knows', () => sha256Of('nobody')],
  ])('of %s are an empty index', async (_, digest) => {
    const answer = await ask('GET', path(digest()))
    expect(answer).toMatchObject({ status: 200, headers: { 'content-type': indexType } })
    expect(answer.json()).toEqual({ schemaVersion: 2, mediaType: indexType, manifests: [] })
  })

  it('of a repository that is not there too; of what is no digest 400', async () => {
    expect((await ask('GET', `/v2/team/none/referrers/${sha256Of('x')}`)).status).toBe(200)
    const answer = await ask('GET', path('latest'))
    expect([answer.status, answer.errorCode()]).toEqual([400, 'DIGEST_INVALID'])
  })

  it('are told at once, with type and annotations, and can be filtered', async () => {
    const subject = await registry.client.pushImage('team/app', 'subject', 'subject')
    const push = async (manifest: object) => {
      const body = Buffer.from(JSON.stringify(manifest))
      const type = (manifest as { mediaType: string }).mediaType
      const headers = { 'content-type': type }
      const answer = await ask('PUT', `/v2/team/app/manifests/${sha256Of(body)}`, { headers, body })
      expect(answer).toMatchObject({ status: 201, headers: { 'oci-subject': subject.digest } })
      return { mediaType: type, digest: sha256Of(body), size: body.length }
    }
    const target = descriptorOf(subject)
    const annotations = { 'org.example.note': 'é' }
    const typed = await push(referrer(target, { artifactType: 'application/x.sbom', annotations }))
    const untyped = await push(referrer(target, { annotations: { other: '1' } }))
    const index = await push({ schemaVersion: 2, mediaType: indexType, manifests: [], subject: target })
    const all = [
      { ...typed, artifactType: 'application/x.sbom', annotations },
      { ...untyped, artifactType: 'application/vnd.oci.image.config.v1+json', annotations: { other: '1' } },
      index,
    ]
    const answer = await ask('GET', path(subject.digest))
    expect(answer.headers['oci-filters-applied']).toBeUndefined()
    expect(listed(answer)).toHaveLength(3)
    expect(listed(answer)).toEqual(expect.arrayContaining(all))
    const filtered = await ask('GET', path(subject.digest, '?artifactType=application/x.sbom'))
    expect(filtered.headers['oci-filters-applied']).toBe('artifactType')
    expect(listed(filtered)).toEqual([all[0]])
    expect(listed(await ask('GET', path(subject.digest, '?artifactType=application/x.none')))).toEqual([])

    expect((await ask('DELETE', `/v2/team/app/manifests/${typed.digest}`)).status).toBe(202)
    expect(listed(await ask('GET', path(subject.digest)))).toHaveLength(2)
  })

  it('a subject may come later', async () => {
    const later = sha256Of('later')
    const manifest = referrer({ mediaType: imageType, digest: later, size: 5 }, {})
    const digest = await registry.client.pushManifest('team/app', 'early', manifest)
    expect(listed(await ask('GET', path(later)))).toMatchObject([{ digest }])
  })

  it('of clients that write a fallback tag are listed with the others, each once', async () => {
    const subject = await registry.client.pushImage('team/app', 'old-subject', 'old subject')
    const by = (note: string) => referrer(descriptorOf(subject), { artifactType: `application/x.${note}` })
    const known = await registry.client.pushManifest('team/app', 'known', by('known'))
    const without = { ...image.manifest, artifactType: 'application/x.old' }
    const old = await registry.client.pushManifest('team/app', 'old', without)
    const entry = (digest: string, manifest: object) => ({
      mediaType: imageType,
      digest,
      size: JSON.stringify(manifest).length,
      artifactType: (manifest as { artifactType: string }).artifactType,
    })
    const manifests = [entry(known, by('known')), entry(old, without)]
    const fallback = { schemaVersion: 2, mediaType: indexType, manifests }
    await registry.client.pushManifest('team/app', subject.digest.replace(':', '-'), fallback)
    const found = listed(await ask('GET', path(subject.digest)))
    expect(found.map(({ digest }) => digest).sort()).toEqual([known, old].sort())
    const filtered = listed(await ask('GET', path(subject.digest, '?artifactType=application/x.old')))
    expect(filtered).toMatchObject([{ digest: old }])
  })

  it('more than a page are told by links, each once, with those of the fallback tag', async () => {
    const { client } = registry
    const subject = await client.pushImage('team/many', 'subject', 'many')
    const subjectDescriptor = descriptorOf(subject)
    const expected: string[] = []
    for (let number = 0; number < 1005; number++) {
      const manifest = { ...subject.manifest, subject: subjectDescriptor, annotations: { number: String(number) } }
      expected.push(await client.pushManifest('team/many', sha256Of(JSON.stringify(manifest)), manifest))
    }
    const old = { ...subject.manifest, annotations: { by: 'old' } }
    const entries = [
      {
        mediaType: imageType,
        digest: await client.pushManifest('team/many', 'old', old),
        size: JSON.stringify(old).length,
      },
    ]
    const first = { ...subject.manifest, subject: subjectDescriptor, annotations: { number: '0' } }
    entries.push({ mediaType: imageType, digest: expected[0]!, size: JSON.stringify(first).length })
    const fallback = { schemaVersion: 2, mediaType: indexType, manifests: entries }
    await client.pushManifest('team/many', subject.digest.replace(':', '-'), fallback)
    expected.push(entries[0]!.digest)
    const seen: unknown[] = []
    let next: string | undefined = `/v2/team/many/referrers/${subject.digest}`
    for (let pages = 0; next !== undefined && pages < 5; pages++) {
      const answer = await ask('GET', next)
      seen.push(...listed(answer).map(({ digest }) => digest))
      next = nextOf(answer)
    }
    expect(seen.sort()).toEqual(expected.sort())
  })
})
