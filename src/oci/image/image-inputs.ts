import { createHash } from 'node:crypto'
import type { SiteEntry, SiteFiles } from '../../core/index.ts'
import { ignoreFile, parseDockerignore, type Ignore } from '../build/dockerignore.ts'
import type { OciDigest } from '../reference.ts'
import type { DeclaredImage } from './image-schema.ts'
import { refuseEscape } from './refuse-escape.ts'

/** What an image is built of. */
export interface ImageInputs {
  /** Equal when nothing that the build could see, or is told, is different. */
  identity: string
  /** Paths within the context, and what they hold. */
  files: Readonly<Record<string, string>>
}

/**
 * What a build would be of, without reading the files: Git knows their content by name. The version is not a part of
 * it: another version of the same sources is the same build. `baseDigest`: of the image that its disk stands on.
 * GIT_FILE_REFUSED for a link that leads out: it is told by the plan, not by a build of minutes.
 */
export async function readInputs(files: SiteFiles, image: DeclaredImage, baseDigest?: OciDigest): Promise<ImageInputs> {
  const entries = await files.entries(image.context)
  for (const entry of entries) refuseEscape(image, entry)
  const isLeftOut = await readIgnore(files, image)
  const held = Object.fromEntries(
    entries
      .map((entry): [string, string] => [pathInContext(image, entry.path), contentOf(entry)])
      .filter(([path]) => !isLeftOut(path)),
  )
  const { type, dockerfile, target, buildArgs, mirrors, platform, platforms, network, disk } = image
  // Without a base as it was before there could be one: what is built already is not built again.
  const told = {
    type,
    dockerfile: pathInContext(image, dockerfile),
    target,
    buildArgs,
    mirrors,
    platform,
    platforms,
    network,
    disk,
    baseDigest,
  }
  const identity = createHash('sha256')
    .update(JSON.stringify([told, Object.entries(held)]))
    .digest('hex')
  return { identity, files: held }
}

/** What the build never sees makes no other image of it; but for what says how it is built. */
async function readIgnore(files: SiteFiles, image: DeclaredImage): Promise<Ignore> {
  const bytes = await files.read(image.context === '' ? ignoreFile : `${image.context}/${ignoreFile}`)
  const ignore = parseDockerignore(bytes?.toString() ?? '')
  const dockerfile = pathInContext(image, image.dockerfile)
  return (path) => path !== dockerfile && path !== ignoreFile && ignore(path)
}

export function pathInContext({ context }: DeclaredImage, path: string): string {
  return context === '' ? path : path.slice(context.length + 1)
}

function contentOf({ kind, identity }: SiteEntry): string {
  return kind === 'file' ? identity : `${kind} ${identity}`
}
