import { createHash } from 'node:crypto'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { BuildRequest } from './image-builder.ts'
import { LarderError } from '../../core/index.ts'
import { descriptorSchema, type Descriptor } from '../descriptor.ts'
import { parseManifest } from '../manifest.ts'
import { mediaTypes } from '../media-type.ts'
import { platformName, type Platform } from '../platform.ts'
import type { ResolvedStage, StageBase } from './stages.ts'

/**
 * What every file of a layer is dated that a build has made: layers that are equal are then the same, whichever commit
 * they were first built of, so that the cache may be used, and the same commit gives the same digest without it. As old
 * as ZIP archives allow.
 */
export const layerDate = new Date('1980-01-01T00:00:00Z')

export interface FinishedLayout {
  manifest: Descriptor
  platform: Platform
  /** Of the image that the last stage stands on, where the engine tells. */
  base: { name: string; digest: string } | undefined
}

/** What only the config says is written last, so that no layer depends on it. */
export type ImageFacts = Pick<BuildRequest, 'labels' | 'sourceDateEpoch' | 'dockerfile' | 'platform'>

/**
 * Dates and labels the one image of a layout that an engine wrote, and names its manifest anew. `final`: the stage that
 * it is. Source: OCI image-spec, config.md and image-layout.md. BUILD_ENGINE_FAILED when there is none;
 * BUILD_BASE_PLATFORM when it is for another platform than was asked for.
 */
export async function finishLayout(
  folder: string,
  { labels, sourceDateEpoch, dockerfile, platform: asked }: ImageFacts,
  final: ResolvedStage | undefined,
): Promise<FinishedLayout> {
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
  const platform = platformOf(config, final)
  if (asked !== undefined && final !== undefined) requirePlatform(platform, final, dockerfile)
  const newConfig = await writeBlob(folder, { ...config, ...platform, created, config: settings }, manifest.config)
  const newManifest = await writeBlob(folder, { ...manifest, config: newConfig }, withoutName(written))
  for (const [before, after] of [
    [manifest.config, newConfig],
    [written, newManifest],
  ] as const) {
    if (before.digest !== after.digest) await rm(blob(before.digest), { force: true })
  }
  const manifests = [{ ...newManifest, platform }]
  await writeFile(
    join(folder, 'index.json'),
    JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.index, manifests }),
  )
  return { manifest: newManifest, platform, base: baseOf(manifest.annotations) }
}

/** An image that stands on nothing is for whatever it was built for: Docker's own builder calls it one for its host. */
function platformOf({ os, architecture, variant }: Platform, final: ResolvedStage | undefined): Platform {
  if (final?.root === 'scratch') return final.platform
  return { os, architecture, ...(variant === undefined ? {} : { variant }) }
}

function requirePlatform(found: Platform, { platform, root, line }: ResolvedStage, dockerfile: string): void {
  if (found.os === platform.os && found.architecture === platform.architecture) return
  throw otherPlatform(dockerfile, { image: root, line, platform: platformName(platform) }, platformName(found))
}

export function otherPlatform(dockerfile: string, { image, line, platform }: StageBase, found: string): LarderError {
  return new LarderError('BUILD_BASE_PLATFORM', {
    message: `${dockerfile}:${line}: FROM ${image}: it is for ${found}, and not for ${platform}.`,
    hint: `Name an image that there is for ${platform}, too; or write FROM --platform=${found} where that is what is meant.`,
    context: { dockerfile, line, image, platform, found },
  })
}

const manifestSchema = z.looseObject({
  config: descriptorSchema,
  annotations: z.record(z.string(), z.string()).optional(),
})

const configSchema = z.looseObject({
  architecture: z.string(),
  os: z.string(),
  variant: z.string().optional(),
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
