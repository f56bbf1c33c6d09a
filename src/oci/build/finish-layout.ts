import { createHash } from 'node:crypto'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { BuildRequest } from './image-builder.ts'
import { LarderError } from '../../core/index.ts'
import { descriptorSchema, type Descriptor } from '../descriptor.ts'
import { parseManifest } from '../manifest.ts'
import { mediaTypes } from '../media-type.ts'

/**
 * What every file of a layer is dated that a build has made: layers that are equal are then the same, whichever commit
 * they were first built of, so that the cache may be used, and the same commit gives the same digest without it. As old
 * as ZIP archives allow.
 */
export const layerDate = new Date('1980-01-01T00:00:00Z')

export interface FinishedLayout {
  manifest: Descriptor
  /** Of the image that the last stage stands on, where the engine tells. */
  base: { name: string; digest: string } | undefined
}

/** What only the config says is written last, so that no layer depends on it. */
export type ImageFacts = Pick<BuildRequest, 'labels' | 'sourceDateEpoch'>

/**
 * Dates and labels the one image of a layout that an engine wrote, and names its manifest anew. Source: OCI image-spec,
 * config.md and image-layout.md. BUILD_ENGINE_FAILED when there is none.
 */
export async function finishLayout(folder: string, { labels, sourceDateEpoch }: ImageFacts): Promise<FinishedLayout> {
  const index = parseManifest(await readFile(join(folder, 'index.json')), mediaTypes.index)
  const [written] = index.manifests
  if (written === undefined) {
    throw new LarderError('BUILD_ENGINE_FAILED', { message: 'What builds images has written none.' })
  }
  const blob = (digest: string): string => join(folder, 'blobs', ...digest.split(':'))
  const readBlob = async (digest: string): Promise<unknown> => JSON.parse(await readFile(blob(digest), 'utf8'))
  const manifest = manifestSchema.parse(await readBlob(written.digest))
  const config = configSchema.parse(await readBlob(manifest.config.digest))
  const settings = { ...config.config, Labels: sorted({ ...config.config?.Labels, ...labels }) }
  const created = secondsOf(sourceDateEpoch)
  const newConfig = await writeBlob(folder, { ...config, created, config: settings }, manifest.config)
  const newManifest = await writeBlob(folder, { ...manifest, config: newConfig }, withoutName(written))
  for (const [before, after] of [
    [manifest.config, newConfig],
    [written, newManifest],
  ] as const) {
    if (before.digest !== after.digest) await rm(blob(before.digest), { force: true })
  }
  const platform = { architecture: config.architecture, os: config.os }
  const manifests = [{ ...newManifest, platform }]
  await writeFile(
    join(folder, 'index.json'),
    JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.index, manifests }),
  )
  return { manifest: newManifest, base: baseOf(manifest.annotations) }
}

const manifestSchema = z.looseObject({
  config: descriptorSchema,
  annotations: z.record(z.string(), z.string()).optional(),
})

const configSchema = z.looseObject({
  architecture: z.string(),
  os: z.string(),
  config: z.looseObject({ Labels: z.record(z.string(), z.string()).nullish() }).nullish(),
})

/** Writes JSON as a blob of a layout, described as `like` is. */
export async function writeBlob(folder: string, value: unknown, like: { mediaType: string }): Promise<Descriptor> {
  const bytes = Buffer.from(JSON.stringify(value))
  const hex = createHash('sha256').update(bytes).digest('hex')
  await writeFile(join(folder, 'blobs', 'sha256', hex), bytes)
  return { ...like, digest: `sha256:${hex}`, size: bytes.length }
}

/** The name that an engine wrote it under is no part of the image. */
function withoutName({ mediaType }: Descriptor): { mediaType: string } {
  return { mediaType }
}

function baseOf(annotations: Readonly<Record<string, string>> = {}): FinishedLayout['base'] {
  const name = annotations['org.opencontainers.image.base.name']
  const digest = annotations['org.opencontainers.image.base.digest']
  return name === undefined || name === '' || digest === undefined || digest === '' ? undefined : { name, digest }
}

function sorted(labels: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** As in `2026-11-21T10:00:00Z`. */
function secondsOf(date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, 'Z')
}
