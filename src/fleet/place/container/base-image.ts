import { hexOf, Mutex, type Digest, type Progress } from '../../../core/index.ts'
import type { ContainerEngine } from './engine.ts'

/** Marks what Larder made an image of, so that what no machine uses any more is found again. */
const baseLabel = 'larder.base'
const importMs = 15 * 60_000
const oneImport = new Mutex()

/** The name of the image of a base. It says what is in it, so that what is there needs not be looked at. */
function baseImageName(digest: string): string {
  return `larder-base:${hexOf(digest as Digest).toLowerCase()}`
}

/**
 * Makes an image of a root (tar), unless the engine has it. Killed in the middle, the engine has none of this name.
 * Source: docker image import, reference.
 */
export async function ensureBaseImage(
  engine: ContainerEngine,
  base: { path: string; digest: string },
  { signal, progress }: { signal: AbortSignal; progress: Progress },
): Promise<string> {
  const image = baseImageName(base.digest)
  // Machines come up together, and all ask for the same one.
  await oneImport.run(async () => {
    const { code } = await engine.ask(['image', 'inspect', '--format', '{{.Id}}', image], { signal })
    if (code === 0) return
    progress.log(`the base ${image.slice(0, 24)} is given to ${engine.name}`)
    const change = ['--change', `LABEL ${baseLabel}=yes`]
    const failure = `The base ${base.path} cannot be given to ${engine.name}`
    await engine.require(['import', ...change, base.path, image], { signal, timeoutMs: importMs, failure })
  })
  return image
}

/** Images of bases that no container uses go, a day after they were made: another site may be about to use them. */
export async function forgetUnusedBases(engine: ContainerEngine, signal: AbortSignal): Promise<void> {
  const filters = ['--filter', `label=${baseLabel}`, '--filter', 'until=24h']
  await engine.ask(['image', 'prune', '--all', '--force', ...filters], { signal })
}
