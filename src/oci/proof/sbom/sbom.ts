import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { descriptorSchema, type Descriptor } from '../../descriptor.ts'
import { makeArtifact, type ProofArtifact } from '../artifact.ts'
import { readContent, unreadable, type ImageSource } from '../content.ts'
import { takeInventory } from './inventory.ts'
import type { InstalledRpm } from './rpm-database.ts'
import { spdxOf, type SpdxOptions } from './spdx.ts'

export interface SbomOptions extends Omit<SpdxOptions, 'digest'> {
  /** Where a folder is made for the time that it takes. */
  temporaryFolder: string
  /** Reads a header of an RPM database; undefined for what is damaged. */
  parseRpmHeader: (header: Uint8Array) => InstalledRpm | undefined
  signal: AbortSignal
}

export interface Sbom {
  /** The document, which is a predicate too. */
  document: object
  packageCount: number
  /** What could not be read, in words. */
  notes: string[]
}

/** URI of the type of predicate that an SPDX document is. */
export const spdxPredicateType = 'https://spdx.dev/Document'
const spdxMediaType = 'application/spdx+json'

/**
 * What an image says is installed in it, as an SPDX document. The same image gives the same document. Layers are read as
 * streams, in some 100 MB of memory, however large they are. OCI_IMAGE_UNREADABLE, DECOMPRESS_BOMB, CANCELLED, DISK_FULL.
 */
export async function sbomOf(source: ImageSource, image: Descriptor, options: SbomOptions): Promise<Sbom> {
  const spoolFolder = await mkdtemp(join(options.temporaryFolder, 'larder-sbom-'))
  try {
    const layers = await layersOf(source, image)
    const { signal, parseRpmHeader } = options
    const inventory = await takeInventory(source, layers, { spoolFolder, signal, parseRpmHeader })
    const document = spdxOf(inventory, { ...options, digest: image.digest })
    return { document, packageCount: inventory.packages.length, notes: inventory.notes }
  } finally {
    await rm(spoolFolder, { recursive: true, force: true })
  }
}

/** The document beside its image, for tools that read it as it is. */
export function sbomArtifact(image: Descriptor, { document }: Sbom): ProofArtifact {
  const bytes = Buffer.from(JSON.stringify(document))
  return makeArtifact({ subject: image, artifactType: spdxMediaType, layers: [{ mediaType: spdxMediaType, bytes }] })
}

const imageSchema = z.looseObject({ config: descriptorSchema, layers: z.array(descriptorSchema).max(1000) })
const maxManifestBytes = 4 * 1024 * 1024

async function layersOf(source: ImageSource, image: Descriptor): Promise<Descriptor[]> {
  const bytes = await readContent(source, image, maxManifestBytes)
  try {
    return imageSchema.parse(JSON.parse(bytes.toString('utf8'))).layers
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof z.ZodError)) throw error
    throw unreadable(image.digest, 'it is no manifest of an image', error)
  }
}
