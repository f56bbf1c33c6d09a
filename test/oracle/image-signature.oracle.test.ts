import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/core/index.ts'
import type { Descriptor } from '../../src/oci/descriptor.ts'
import type { ProofArtifact } from '../../src/oci/proof/artifact.ts'
import { attestImage } from '../../src/oci/proof/attestation.ts'
import { createImageKeys, type ImageKey } from '../../src/oci/proof/keys/image-keys.ts'
import { provenanceType } from '../../src/oci/proof/provenance.ts'
import { signImage } from '../../src/oci/proof/signature.ts'
import { makeArchive } from '../../src/oci/testing/archive.ts'
import { writeLayout } from '../../src/oci/testing/write-layout.ts'
import { freePort } from '../e2e/support/free-port.ts'
import { createRegistryClient, imageType, type RegistryClient } from '../e2e/support/registry-client.ts'

const tools = { skopeo: '--version', 'docker-registry': '--version', openssl: 'version' }
const hasTools = Object.entries(tools).every(([tool, argument]) => spawnSync(tool, [argument]).status === 0)
const must = process.env['CI'] === 'true'

/**
 * A registry that is not ours, and a client that believes none but signed images. Debian 12 builds that client without
 * the last step, the check of the signature itself: it says so of each signature that it has found, and openssl judges
 * them in its place.
 */
const unjudged = 'sigstore disabled'

describe.skipIf(!hasTools && !must)(
  'signatures of images, judged by skopeo and openssl [needs skopeo, docker-registry and openssl]',
  () => {
    let folder: string
    let host: string
    let registry: ChildProcess
    let ended: Promise<unknown>
    let client: RegistryClient
    const keys: Record<'old' | 'young' | 'strange', ImageKey> = {} as never

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'larder-image-signature-'))
      const ring = createImageKeys(join(folder, 'mine.json'), { clock: systemClock })
      ;[keys.old] = await ring.current()
      keys.young = await ring.rotate()
      ;[keys.strange] = await createImageKeys(join(folder, 'strange.json'), { clock: systemClock }).current()
      const port = await freePort()
      host = `127.0.0.1:${port}`
      await writeFile(
        join(folder, 'registry.yml'),
        `version: 0.1
log: { level: error }
storage: { filesystem: { rootdirectory: ${join(folder, 'registry')} } }
http: { addr: "${host}" }
`,
      )
      registry = spawn('docker-registry', ['serve', join(folder, 'registry.yml')], { stdio: 'ignore' })
      ended = once(registry, 'exit')
      client = createRegistryClient(`http://${host}`)
      await answers(client)
      await mkdir(join(folder, 'registries.d'))
      await writeFile(
        join(folder, 'registries.d', 'local.yaml'),
        `docker:\n  ${host}:\n    use-sigstore-attachments: true\n`,
      )
    })
    afterAll(async () => {
      client.close()
      registry.kill()
      await ended
      await rm(folder, { recursive: true, force: true })
    })

    /** Pushed as it is, so that it has the digest that it had. */
    async function push(repository: string, content: string, tag = '1.4.0'): Promise<Descriptor> {
      const layout = join(folder, 'layouts', repository, content)
      const layer = gzipSync(await makeArchive([{ name: 'etc/motd', content }]))
      const image = await writeLayout(layout, {
        layers: [{ bytes: layer, mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip' }],
      })
      const target = `docker://${host}/${repository}:${tag}`
      const { status, stderr } = skopeo(['--insecure-policy'], `oci:${layout}`, target, ['--dest-tls-verify=false'])
      if (status !== 0) throw new Error(stderr)
      return image
    }

    /** This registry answers with an address that has a query of its own. */
    async function pushBlob(repository: string, digest: string, bytes: Buffer): Promise<void> {
      const begun = await client.ask('POST', `/v2/${repository}/blobs/uploads/`)
      const address = new URL(begun.headers.location ?? '', `http://${host}`)
      address.searchParams.set('digest', digest)
      const { status, body } = await client.ask('PUT', `${address.pathname}${address.search}`, { body: bytes })
      if (status !== 201) throw new Error(body.toString())
    }

    async function attach(repository: string, artifact: ProofArtifact, tag = artifact.tag ?? ''): Promise<void> {
      for (const { descriptor, bytes } of artifact.blobs) await pushBlob(repository, descriptor.digest, bytes)
      const { status, body } = await client.ask('PUT', `/v2/${repository}/manifests/${tag}`, {
        headers: { 'content-type': artifact.manifest.mediaType },
        body: artifact.bytes,
      })
      if (status !== 201) throw new Error(body.toString())
    }

    const sign = (image: Descriptor, by: readonly ImageKey[], ...references: string[]) =>
      signImage({ image, references, keys: by, createdAt: new Date(), creator: 'larder 0.1.0' })

    function skopeo(global: string[], from: string, to: string, options: string[]) {
      const args = [...global, '--tmpdir', folder, 'copy', '--preserve-digests', ...options, from, to]
      return spawnSync('skopeo', args, { encoding: 'utf8', timeout: 60_000 })
    }

    /** What a client says that trusts this key alone; empty when it has pulled. */
    async function pull(reference: string, key: ImageKey): Promise<string> {
      await writeFile(join(folder, 'key.pub'), key.publicKeyPem)
      const requirement = { type: 'sigstoreSigned', keyPath: join(folder, 'key.pub') }
      const policy = { default: [{ type: 'reject' }], transports: { docker: { [host]: [requirement] } } }
      await writeFile(join(folder, 'policy.json'), JSON.stringify(policy))
      const pulled = await mkdtemp(join(folder, 'pulled-'))
      const global = ['--policy', join(folder, 'policy.json'), '--registries.d', join(folder, 'registries.d')]
      const options = ['--src-tls-verify=false', '--remove-signatures']
      const { status, stderr } = skopeo(global, `docker://${host}/${reference}`, `dir:${pulled}`, options)
      expect(status === 0).toBe(stderr === '')
      return stderr
    }

    /** Pulled, or as far as this client goes: it has found so many signatures. */
    function expectBelieved(said: string, signatures = 1): void {
      if (said !== '') expect(said.split(unjudged).length - 1, said).toBe(signatures)
    }

    /** A good signature of something else; a client that does not look that far says so. */
    function expectRefused(said: string, why: RegExp): void {
      if (said.includes(unjudged)) return
      expect(said).toMatch(why)
    }

    /** Which of the keys openssl believes the signatures by that a registry has, in their order. */
    async function signersOf(repository: string, tag: string): Promise<string[]> {
      const manifest = await client.ask('GET', `/v2/${repository}/manifests/${tag}`, { headers: { accept: imageType } })
      const signers: string[] = []
      for (const { digest, annotations } of manifest.json<{ layers: Descriptor[] }>().layers) {
        const payload = await client.ask('GET', `/v2/${repository}/blobs/${digest}`)
        await writeFile(join(folder, 'payload'), payload.body)
        const signature = Buffer.from(annotations?.['dev.cosignproject.cosign/signature'] ?? '', 'base64')
        await writeFile(join(folder, 'signature'), signature)
        signers.push(await signerOf(join(folder, 'payload'), join(folder, 'signature')))
      }
      return signers
    }

    async function signerOf(payload: string, signature: string): Promise<string> {
      for (const [name, key] of Object.entries(keys)) {
        await writeFile(join(folder, 'judge.pub'), key.publicKeyPem)
        const args = ['dgst', '-sha256', '-verify', join(folder, 'judge.pub'), '-signature', signature, payload]
        if (spawnSync('openssl', args).status === 0) return name
      }
      return 'nobody'
    }

    it('believes them, by tag and by digest', async () => {
      const image = await push('good', 'good')
      const signature = sign(image, [keys.young], `${host}/good:1.4.0`)
      await attach('good', signature)
      expectBelieved(await pull('good:1.4.0', keys.young))
      expectBelieved(await pull(`good@${image.digest}`, keys.young))
      expect(await pull('good:1.4.0', keys.strange)).toMatch(/signature|sigstore/i)
      expect(await signersOf('good', signature.tag ?? '')).toEqual(['young'])
    })

    it('believes them with the old key and with the new one, by each name that they are for', async () => {
      const image = await push('team/turning', 'turning')
      const names = [`registry.example.org/team/turning:1.4.0`, `${host}/team/turning:1.4.0`]
      const signature = sign(image, [keys.young, keys.old], ...names)
      await attach('team/turning', signature)
      for (const key of [keys.young, keys.old]) expectBelieved(await pull('team/turning:1.4.0', key), 4)
      expect(await pull('team/turning:1.4.0', keys.strange)).not.toBe('')
      expect(await signersOf('team/turning', signature.tag ?? '')).toEqual(['young', 'old', 'young', 'old'])
    })

    it('refuses what is not signed, and what is signed as another', async () => {
      const bare = await push('bare', 'bare')
      expect(await pull('bare:1.4.0', keys.young)).toMatch(/no signature/i)
      await attach('bare', sign(bare, [keys.young], `${host}/other:1.4.0`))
      expectRefused(await pull('bare:1.4.0', keys.young), /not accepted/i)
    })

    it('refuses a tag that was moved, and the signature of one image beside another', async () => {
      const good = await push('moved', 'good')
      const signature = sign(good, [keys.young], `${host}/moved:1.4.0`)
      await attach('moved', signature)
      const evil = await push('moved', 'evil')
      expect(evil.digest).not.toBe(good.digest)
      expect(await pull('moved:1.4.0', keys.young)).toMatch(/no signature/i)
      await attach('moved', signature, `sha256-${evil.digest.slice(7)}.sig`)
      expectRefused(await pull('moved:1.4.0', keys.young), /digest/i)
      expectBelieved(await pull(`moved@${good.digest}`, keys.young))
    })

    it('takes attestations beside them, whose envelopes openssl believes', async () => {
      const image = await push('attested', 'attested')
      await attach('attested', sign(image, [keys.young], `${host}/attested:1.4.0`))
      const predicates = [{ type: provenanceType, content: {} }]
      const attestation = attestImage({ image, name: 'attested', predicates, keys: [keys.young, keys.old] })
      await attach('attested', attestation)
      expectBelieved(await pull('attested:1.4.0', keys.young))
      const from = `docker://${host}/attested:${attestation.tag ?? ''}`
      const copied = skopeo(['--insecure-policy'], from, `dir:${folder}/attestation`, ['--src-tls-verify=false'])
      expect(copied.stderr).toBe('')
      const [layer = ''] = readdirSync(`${folder}/attestation`).filter((name) => {
        return (
          /^[0-9a-f]{64}$/.test(name) && readFileSync(`${folder}/attestation/${name}`, 'utf8').includes('payloadType')
        )
      })
      const envelope = JSON.parse(readFileSync(`${folder}/attestation/${layer}`, 'utf8')) as Envelope
      const payload = Buffer.from(envelope.payload, 'base64')
      // Source: DSSE 1.0, protocol.md.
      const type = 'application/vnd.in-toto+json'
      const signed = Buffer.concat([Buffer.from(`DSSEv1 ${type.length} ${type} ${payload.length} `), payload])
      await writeFile(join(folder, 'payload'), signed)
      const signers: string[] = []
      for (const { sig } of envelope.signatures) {
        await writeFile(join(folder, 'signature'), Buffer.from(sig, 'base64'))
        signers.push(await signerOf(join(folder, 'payload'), join(folder, 'signature')))
      }
      expect(signers).toEqual(['young', 'old'])
    })
  },
)

interface Envelope {
  payload: string
  signatures: { sig: string }[]
}

async function answers(client: RegistryClient): Promise<void> {
  for (let left = 200; left > 0; left--) {
    const answer = await client.ask('GET', '/v2/').catch(() => undefined)
    if (answer?.status === 200) return
    await systemClock.sleep(50)
  }
  throw new Error('the registry does not answer')
}
