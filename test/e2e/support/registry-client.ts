import { createHash } from 'node:crypto'
import { Agent, request, type ClientRequest, type IncomingHttpHeaders } from 'node:http'
import { buffer } from 'node:stream/consumers'

export interface RegistryAnswer {
  status: number
  headers: IncomingHttpHeaders
  body: Buffer
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- a test says what it expects
  json: <T = Record<string, unknown>>() => T
  /** Code of the first error that the body tells of. */
  errorCode(): string | undefined
}

export interface RegistryRequest {
  headers?: Record<string, string>
  /** Several: sent in chunks, so without a Content-Length. */
  body?: Uint8Array | AsyncIterable<Uint8Array>
}

/** Speaks the protocol of registries word by word: what is sent is exactly what is written here. */
export interface RegistryClient {
  /** `path`: with the query, as it is to stand in the request. */
  ask(method: string, path: string, request?: RegistryRequest): Promise<RegistryAnswer>
  /** POST and PUT; answers the digest. */
  pushBlob(repository: string, bytes: Uint8Array): Promise<string>
  /** Answers the digest. `type` default: what it says itself. */
  pushManifest(repository: string, reference: string, manifest: unknown, type?: string): Promise<string>
  /** Config, one layer and their manifest. */
  pushImage(repository: string, tag: string, content: string): Promise<PushedImage>
  close(): void
}

export interface PushedImage {
  digest: string
  sizeBytes: number
  config: string
  layer: string
  manifest: object
}

export const imageType = 'application/vnd.oci.image.manifest.v1+json'
export const indexType = 'application/vnd.oci.image.index.v1+json'
export const configType = 'application/vnd.oci.image.config.v1+json'
export const layerType = 'application/vnd.oci.image.layer.v1.tar'

export function sha256Of(bytes: Uint8Array | string): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

/** `headers`: of every request. */
export function createRegistryClient(url: string, headers: Record<string, string> = {}): RegistryClient {
  const agent = new Agent({ keepAlive: true })
  const { hostname, port } = new URL(url)
  const ask: RegistryClient['ask'] = (method, path, asked = {}) =>
    new Promise((resolve, reject) => {
      const { body } = asked
      const length = body instanceof Uint8Array ? { 'content-length': String(body.length) } : {}
      const all = { ...headers, ...length, ...asked.headers }
      const outgoing = request({ agent, hostname, port, method, path, headers: all }, (response) => {
        buffer(response).then((bytes) => {
          resolve(answerOf(response.statusCode ?? 0, response.headers, bytes))
        }, reject)
      })
      outgoing.on('error', reject)
      if (body === undefined || body instanceof Uint8Array) outgoing.end(body)
      else {
        sendAll(outgoing, body).catch(reject)
      }
    })
  const client: RegistryClient = {
    ask,
    async pushBlob(repository, bytes) {
      const digest = sha256Of(bytes)
      const begun = expectStatus(await ask('POST', `/v2/${repository}/blobs/uploads/`), 202)
      expectStatus(await ask('PUT', `${begun.headers.location ?? ''}?digest=${digest}`, { body: bytes }), 201)
      return digest
    },
    async pushManifest(repository, reference, manifest, type) {
      const body = Buffer.from(JSON.stringify(manifest))
      const contentType = type ?? (manifest as { mediaType?: string }).mediaType ?? imageType
      const path = `/v2/${repository}/manifests/${reference}`
      const answer = expectStatus(await ask('PUT', path, { headers: { 'content-type': contentType }, body }), 201)
      return String(answer.headers['docker-content-digest'])
    },
    async pushImage(repository, tag, content) {
      const [configBytes, layerBytes] = [Buffer.from(JSON.stringify({ made: content })), Buffer.from(content)]
      const config = await client.pushBlob(repository, configBytes)
      const layer = await client.pushBlob(repository, layerBytes)
      const manifest = {
        schemaVersion: 2,
        mediaType: imageType,
        config: { mediaType: configType, digest: config, size: configBytes.length },
        layers: [{ mediaType: layerType, digest: layer, size: layerBytes.length }],
      }
      const digest = await client.pushManifest(repository, tag, manifest)
      return { digest, sizeBytes: JSON.stringify(manifest).length, config, layer, manifest }
    },
    close: () => {
      agent.destroy()
    },
  }
  return client
}

async function sendAll(outgoing: ClientRequest, body: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const chunk of body) outgoing.write(chunk)
  outgoing.end()
}

function answerOf(status: number, headers: IncomingHttpHeaders, body: Buffer): RegistryAnswer {
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- a test says what it expects
  const json = <T>(): T => JSON.parse(body.toString()) as T
  return {
    status,
    headers,
    body,
    json,
    errorCode: () => (body.length === 0 ? undefined : json<{ errors?: { code: string }[] }>().errors?.[0]?.code),
  }
}

function expectStatus(answer: RegistryAnswer, status: number): RegistryAnswer {
  if (answer.status !== status)
    throw new Error(`status ${answer.status} instead of ${status}: ${answer.body.toString()}`)
  return answer
}
