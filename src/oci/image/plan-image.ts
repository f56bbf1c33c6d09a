import { LarderError } from '../../core/index.ts'
import type { ImageBuild } from './image-builds.ts'
import type { ImageChange, ObservedImage } from './image-change.ts'
import type { ImagesConfig } from './image-schema.ts'

/** Pure. No change for a version that was built of the same, but for a mutable one on another base now. IMAGE_VERSION_TAKEN. */
export function planImage(observed: ObservedImage, { builder }: Pick<ImagesConfig, 'builder'>): ImageChange[] {
  const { image, inputs, published, previous, same, bases } = observed
  const isOnNewBase = image.isMutable && bases.changed.length > 0
  if (published?.inputs === inputs.identity && !isOnNewBase) return []
  const before = published ?? previous
  const changedFiles = before === undefined ? [] : differences(before.detail.files, inputs.files)
  if (published !== undefined && !image.isMutable) throw taken(observed, changedFiles)
  return [
    {
      subject: `image ${image.name}`,
      action: previous === undefined ? 'create' : 'update',
      summary: summaryOf(observed, changedFiles),
      detail: {
        image: image.name,
        version: image.version,
        type: image.type,
        inputs: inputs.identity,
        platforms: image.platforms,
        changedFiles,
        changedBases: [...bases.changed, ...bases.unknown],
        previousVersion: previous?.version,
        sameAs: same?.version,
      },
      work: { ...observed, builder },
    },
  ]
}

function summaryOf(observed: ObservedImage, changedFiles: readonly string[]): string {
  const { image, inputs, previous, same } = observed
  const { version, dockerfile } = image
  if (same !== undefined && same.version !== version)
    return `${version}: the same sources as ${same.version}, not built again`
  const count = Object.keys(inputs.files).length
  const platforms = image.platforms === undefined ? '' : ` for ${image.platforms.join(', ')}`
  if (previous === undefined) return `build ${version}${platforms} of ${dockerfile} and ${files(count)}`
  return `build ${version}${platforms}: ${whyAgain(observed, previous, changedFiles)}`
}

function whyAgain(
  { inputs, bases, published }: ObservedImage,
  previous: ImageBuild,
  changedFiles: readonly string[],
): string {
  const since = `since ${(published ?? previous).version}`
  if (changedFiles.length > 0) return `${named(changedFiles)} changed ${since}`
  if (bases.changed.length > 0) return `its base ${named(bases.changed)} changed ${since}`
  if (previous.inputs !== inputs.identity) return 'its settings changed'
  if (bases.unknown.length > 0) return `its base ${named(bases.unknown)} may have changed ${since}`
  return `${previous.version} is not in the registry any more`
}

function taken({ image, published }: ObservedImage, changedFiles: readonly string[]): LarderError {
  const why = changedFiles.length === 0 ? 'other settings' : `other content: ${named(changedFiles)} changed`
  return new LarderError('IMAGE_VERSION_TAKEN', {
    message: `${image.name} ${image.version} was built of ${why} since commit ${published?.commit?.slice(0, 12) ?? 'of then'}.`,
    hint: 'Give it another version; or, where a version may change, declare "mutable": true.',
    context: { image: image.name, version: image.version, changedFiles: changedFiles.slice(0, 100) },
  })
}

function differences(before: Readonly<Record<string, string>>, after: Readonly<Record<string, string>>): string[] {
  const paths = new Set([...Object.keys(before), ...Object.keys(after)])
  return [...paths].filter((path) => before[path] !== after[path]).sort()
}

const shown = 3

function named(paths: readonly string[]): string {
  if (paths.length <= shown) return paths.join(', ')
  return `${paths.slice(0, shown).join(', ')} and ${paths.length - shown} more`
}

function files(count: number): string {
  return count === 1 ? 'one file' : `${count} files`
}
