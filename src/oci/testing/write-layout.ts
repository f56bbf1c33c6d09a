import { createHash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Descriptor } from '../descriptor.ts'
import { mediaTypes } from '../media-type.ts'
import { parseDigest } from '../reference.ts'

export interface LayoutContent {
  layers: { bytes: Buffer; mediaType?: string }[]
  config?: Record<string, unknown>
  /** Layers are not compressed, and the config says of each what it is: for engines that build upon the image. */
  isBase?: boolean
  architecture?: string
}

/** Writes an OCI image layout of one image. Answers the descriptor of its manifest. */
export async function writeLayout(folder: string, content: LayoutContent): Promise<Descriptor> {
  await mkdir(join(folder, 'blobs/sha256'), { recursive: true })
  const put = async (bytes: Buffer, mediaType: string): Promise<Descriptor> => {
    const hex = createHash('sha256').update(bytes).digest('hex')
    await writeFile(join(folder, 'blobs/sha256', hex), bytes)
    return { mediaType, digest: parseDigest(`sha256:${hex}`), size: bytes.length }
  }
  const putJson = (value: unknown, mediaType: string): Promise<Descriptor> =>
    put(Buffer.from(JSON.stringify(value)), mediaType)
  const { architecture = 'amd64' } = content
  const described = content.isBase === true ? describeLayers(content) : {}
  const image = { architecture, os: 'linux', config: content.config ?? {}, ...described }
  const config = await putJson(image, mediaTypes.config)
  const layers: Descriptor[] = []
  for (const { bytes, mediaType = 'application/vnd.oci.image.layer.v1.tar' } of content.layers)
    layers.push(await put(bytes, mediaType))
  const manifest = await putJson(
    { schemaVersion: 2, mediaType: mediaTypes.manifest, config, layers },
    mediaTypes.manifest,
  )
  await writeFile(join(folder, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }))
  await writeFile(join(folder, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [manifest] }))
  return manifest
}

/** Source: OCI image-spec, config.md: `rootfs` and `history`. */
function describeLayers({ layers }: LayoutContent): Record<string, unknown> {
  const diffIds = layers.map(({ bytes }) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`)
  const history = layers.map(() => ({ created: '1980-01-01T00:00:00Z', created_by: 'made for a test' }))
  return { rootfs: { type: 'layers', diff_ids: diffIds }, history }
}
