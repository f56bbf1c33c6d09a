import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LarderError } from '../../core/index.ts'
import type { Descriptor } from '../descriptor.ts'
import { parseManifest } from '../manifest.ts'
import { mediaTypes } from '../media-type.ts'

/** The one image of an image layout that an engine wrote. BUILD_ENGINE_FAILED when there is none. */
export async function readLayoutImage(folder: string): Promise<{ manifest: Descriptor }> {
  const index = parseManifest(await readFile(join(folder, 'index.json')), mediaTypes.index)
  const [manifest] = index.manifests
  if (manifest !== undefined) return { manifest }
  throw new LarderError('BUILD_ENGINE_FAILED', { message: 'What builds images has written none.' })
}
