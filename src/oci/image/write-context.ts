import { mkdir, symlink, utimes, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { LarderError, type SiteEntry, type SiteFiles } from '../../core/index.ts'
import { pathInContext } from './image-inputs.ts'
import type { DeclaredImage } from './image-schema.ts'
import { refuseEscape } from './refuse-escape.ts'

/** Files that are written at the same time. */
const atOnce = 16

/**
 * Writes the context of an image into an empty folder, as the commit has it: modes, and links that stay within it; every
 * file is dated `time`. GIT_FILE_REFUSED for a link that leads out.
 */
export async function writeContext(
  files: SiteFiles,
  image: DeclaredImage,
  { folder, time, signal }: { folder: string; time: Date; signal: AbortSignal },
): Promise<void> {
  const entries = await files.entries(image.context)
  for (const { path } of entries) refuseStrangePath(path)
  const folders = new Set(entries.map(({ path }) => dirname(join(folder, pathInContext(image, path)))))
  for (const one of [...folders].sort()) await mkdir(one, { recursive: true, mode: 0o755 })
  for (let start = 0; start < entries.length; start += atOnce) {
    signal.throwIfAborted()
    const some = entries.slice(start, start + atOnce)
    await Promise.all(
      some.map((entry) => writeEntry(files, entry, join(folder, pathInContext(image, entry.path)), { image, time })),
    )
  }
  for (const one of [...folders].sort().reverse()) await utimes(one, time, time)
}

async function writeEntry(
  files: SiteFiles,
  entry: SiteEntry,
  destination: string,
  { image, time }: { image: DeclaredImage; time: Date },
): Promise<void> {
  const { path, kind, target } = entry
  if (kind === 'link') {
    refuseEscape(image, entry)
    await symlink(target ?? '', destination)
    return
  }
  const bytes = await files.read(path, { once: true })
  await writeFile(destination, bytes ?? '', { mode: kind === 'executable' ? 0o755 : 0o644, flag: 'wx' })
  await utimes(destination, time, time)
}

/** Git itself writes no such trees; whoever makes objects by hand can. */
function refuseStrangePath(path: string): void {
  if (!path.split('/').some((part) => part === '' || part === '.' || part === '..')) return
  throw new LarderError('GIT_FILE_REFUSED', {
    message: `${JSON.stringify(path.slice(0, 200))} is no path within a folder.`,
    hint: 'Commit it under another name.',
  })
}
