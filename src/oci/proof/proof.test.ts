import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { digestOf } from '../../core/index.ts'
import { FakeClock } from '../../core/testing/fake-clock.ts'
import type { Descriptor } from '../descriptor.ts'
import { parseManifest } from '../manifest.ts'
import { mediaTypes } from '../media-type.ts'
import { parseDigest } from '../reference.ts'
import type { ProofArtifact } from './artifact.ts'
import { attestImage } from './attestation.ts'
import type { ImageSource } from './content.ts'
import { envelopeType, preAuthenticationEncoding } from './envelope.ts'
import { createImageKeys, type ImageKey } from './keys/image-keys.ts'
import { gitUri, provenanceOf, provenanceType, type ProvenanceFacts } from './provenance.ts'
import { signImage } from './signature.ts'
import { verifySignatures, verifyStatements } from './verify.ts'

const clock = new FakeClock()
const image = descriptorOf('image')
const other = descriptorOf('other')
let folder: string
let keys: readonly ImageKey[]
let strange: readonly ImageKey[]
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'larder-proof-'))
  const ring = createImageKeys(join(folder, 'mine.json'), { clock })
  await ring.current()
  await ring.rotate()
  keys = await ring.current()
  strange = await createImageKeys(join(folder, 'strange.json'), { clock }).current()
})
afterAll(() => rm(folder, { recursive: true, force: true }))

function descriptorOf(content: string): Descriptor {
  return { mediaType: mediaTypes.manifest, digest: parseDigest(digestOf(content)), size: content.length }
}

function sourceOf({ blobs }: ProofArtifact, change: (bytes: Buffer) => Buffer = (bytes) => bytes): ImageSource {
  const all = new Map(blobs.map(({ descriptor, bytes }) => [descriptor.digest, bytes]))
  return {
    open: async function* ({ digest }) {
      yield change(all.get(digest) ?? Buffer.alloc(0))
    },
  }
}

const pems = (of: readonly ImageKey[]) => of.map(({ publicKeyPem }) => publicKeyPem)
const references = ['registry.example.org/counter:1.4.0', 'registry.example.org:5000/counter:1.4.0']
const sign = (by = keys, subject = image) =>
  signImage({ image: subject, references, keys: by, createdAt: clock.now(), creator: 'larder 0.1.0' })
const facts: ProvenanceFacts = {
  repository: 'https://bob:secret@git.example.org/site.git',
  commit: 'a'.repeat(40),
  ref: 'refs/heads/develop',
  context: 'counter',
  dockerfile: 'counter/Dockerfile',
  buildArguments: { b: '2', a: '1' },
  labels: {},
  network: 'none',
  sourceDateEpoch: new Date('2026-01-01T00:00:00.900Z'),
  baseImages: [{ name: 'registry.example.org/base:1', digest: `sha256:${'b'.repeat(64)}` }],
  engine: { name: 'buildah', version: '1.28.2' },
  builderId: 'https://larder.example.org/',
  larderVersion: '0.1.0',
  invocationId: 'run 7',
  startedAt: new Date('2026-01-01T00:01:00Z'),
  finishedAt: new Date('2026-01-01T00:02:00Z'),
}
const attest = (by = keys, subject = image) =>
  attestImage({
    image: subject,
    name: 'counter',
    predicates: [{ type: provenanceType, content: provenanceOf(facts) }],
    keys: by,
  })

describe('a signature', () => {
  it('is about its image, under the tag of cosign, by every key and for every name', async () => {
    const made = sign()
    expect(made.tag).toBe(`sha256-${image.digest.slice(7)}.sig`)
    const { subject, artifactType, blobs } = parseManifest(made.bytes, made.manifest.mediaType)
    expect(subject).toBe(image.digest)
    expect(artifactType).toBe('application/vnd.dev.cosign.artifact.sig.v1+json')
    expect(new Set(blobs.map(({ digest }) => digest))).toEqual(new Set(made.blobs.map((one) => one.descriptor.digest)))
    const options = { digest: image.digest, source: sourceOf(made) }
    const all = await verifySignatures(made.bytes, { ...options, publicKeyPems: pems(keys) })
    expect(all.map(({ keyId, reference }) => [reference, keyId])).toEqual(
      references.flatMap((reference) => keys.map(({ id }) => [reference, id])),
    )
    for (const key of keys)
      await expect(
        verifySignatures(made.bytes, { ...options, publicKeyPems: [key.publicKeyPem] }),
      ).resolves.toHaveLength(2)
  })

  it.each<[string, () => Promise<unknown>, string]>([
    ['by another key', () => check(sign(strange)), 'PROOF_INVALID'],
    ['of another image', () => check(sign(keys, other)), 'PROOF_INVALID'],
    ['of nothing', () => check(signImage({ image, references: [], keys, createdAt: clock.now(), creator: 'x' })), 'PROOF_INVALID'], // prettier-ignore
    ['over changed bytes', () => check(sign(), (bytes) => Buffer.from(bytes.toString().replace('1.4.0', '1.4.1'))), 'OCI_IMAGE_UNREADABLE'], // prettier-ignore
  ])('%s is refused', async (_, checking, code) => {
    await expect(checking()).rejects.toMatchObject({ code })
  })

  const check = (made: ProofArtifact, change?: (bytes: Buffer) => Buffer) =>
    verifySignatures(made.bytes, { digest: image.digest, source: sourceOf(made, change), publicKeyPems: pems(keys) })
})

describe('an attestation', () => {
  const check = (made: ProofArtifact) =>
    verifyStatements(made.bytes, { digest: image.digest, source: sourceOf(made), publicKeyPems: pems(keys) })

  it('tells where an image is from', async () => {
    const [statement, ...others] = await check(attest())
    expect(others).toEqual([])
    expect(statement?.keyIds).toEqual(keys.map(({ id }) => id))
    expect(statement).toMatchObject({
      predicateType: 'https://slsa.dev/provenance/v1',
      predicate: {
        buildDefinition: {
          externalParameters: {
            source: { uri: 'git+https://git.example.org/site.git', ref: 'refs/heads/develop' },
            buildArguments: { a: '1', b: '2' },
          },
          internalParameters: { sourceDateEpoch: 1_767_225_600 },
          resolvedDependencies: [
            { digest: { gitCommit: 'a'.repeat(40) } },
            { uri: 'docker://registry.example.org/base:1', digest: { sha256: 'b'.repeat(64) } },
          ],
        },
        runDetails: {
          builder: { version: { larder: '0.1.0', buildah: '1.28.2' } },
          metadata: { startedOn: '2026-01-01T00:01:00Z', finishedOn: '2026-01-01T00:02:00Z' },
        },
      },
    })
    expect(JSON.stringify(statement)).not.toContain('secret')
  })

  it('is refused by another key, of another image, and with another payload', async () => {
    await expect(check(attest(strange))).rejects.toMatchObject({ code: 'PROOF_INVALID' })
    await expect(check(attest(keys, other))).rejects.toMatchObject({ code: 'PROOF_INVALID' })
    const mixed = attest()
    const [real] = parseManifest(mixed.bytes, undefined).blobs.slice(1)
    const stolen = mixed.blobs.find(({ descriptor }) => descriptor.digest === real?.digest)
    const envelope = JSON.parse(String(stolen?.bytes)) as { payload: string }
    envelope.payload = Buffer.from(
      Buffer.from(envelope.payload, 'base64').toString().replace('refs/heads/develop', 'refs/heads/evil'),
    ).toString('base64')
    const bytes = Buffer.from(JSON.stringify(envelope))
    const descriptor = { mediaType: envelopeType, digest: parseDigest(digestOf(bytes)), size: bytes.length }
    const manifest = Buffer.from(
      mixed.bytes
        .toString()
        .replace(String(real?.digest), descriptor.digest)
        .replace(`"size":${String(real?.size)}`, `"size":${bytes.length}`),
    )
    await expect(check({ ...mixed, bytes: manifest, blobs: [{ descriptor, bytes }] })).rejects.toMatchObject({
      code: 'PROOF_INVALID',
    })
  })

  it('signs type and payload with their lengths', () => {
    // Source: DSSE 1.0, protocol.md: the example of PAE.
    expect(preAuthenticationEncoding('http://example.com/HelloWorld', Buffer.from('hello world')).toString()).toBe(
      'DSSEv1 29 http://example.com/HelloWorld 11 hello world',
    )
  })
})

it.each([
  ['https://git.example.org/site.git', 'git+https://git.example.org/site.git'],
  ['https://token@git.example.org/site.git?x=secret', 'git+https://git.example.org/site.git'],
  ['ssh://git@git.example.org:22/a/b.git', 'git+ssh://git.example.org:22/a/b.git'],
  ['git@git.example.org:a/b.git', 'git+ssh://git.example.org/a/b.git'],
  ['/srv/git/site.git', 'git+file:///srv/git/site.git'],
])('the address %s is told as %s', (address, told) => {
  expect(gitUri(address)).toBe(told)
})
