import {
  closest,
  parseSiteFile,
  problemAt,
  readSiteFile,
  subDocument,
  validate,
  type Problem,
  type SiteFiles,
} from '../../core/index.ts'
import type { SourceDocument } from '../../core/index.ts'
import { declaredImage, imageSchema, type DeclaredImage } from './image-schema.ts'

export interface ImageList {
  /** In the order of the file; what is wrong is left out. */
  images: readonly DeclaredImage[]
  problems: readonly Problem[]
}

/**
 * Reads a list of images, with every mistake at its place: of the entries, and of what they name in the site. `named`:
 * where larder.yaml names the file. `mirrors`: those of the site; what others images name is wrong. Default: not looked at.
 */
export async function readImageList(
  files: SiteFiles,
  path: string,
  { named, mirrors }: { named?: SourceDocument; mirrors?: readonly string[] } = {},
): Promise<ImageList> {
  const file = await readSiteFile(files, path)
  if ('fault' in file) {
    const problem = { message: file.fault, expected: 'the path of a list of images' }
    return { images: [], problems: named === undefined ? [] : [problemAt(named, [], problem)] }
  }
  const { document, problems } = parseSiteFile(file.bytes, path)
  if (document === undefined) return { images: [], problems }
  if (!Array.isArray(document.value)) {
    const problem = problemAt(document, [], { message: 'a list of images is a list', expected: 'entries within [ ]' })
    return { images: [], problems: [...problems, problem] }
  }
  const read = await Promise.all(document.value.map((_, index) => readEntry(files, document, index)))
  const images = read.flatMap(({ image }) => (image === undefined ? [] : [image]))
  const repeated = [...repetitions(document, read), ...unknownMirrors(document, read, mirrors)]
  return { images, problems: [...problems, ...read.flatMap((one) => one.problems), ...repeated] }
}

interface ReadEntry {
  image: DeclaredImage | undefined
  problems: Problem[]
}

async function readEntry(files: SiteFiles, document: SourceDocument, index: number): Promise<ReadEntry> {
  const entry = subDocument(document, [index])
  const { value, problems } = validate(imageSchema, entry)
  if (value === undefined) return { image: undefined, problems: [...problems] }
  const image = declaredImage(value)
  const missing = await missingFile(files, image)
  if (missing === undefined) return { image, problems: [] }
  const at = value.dockerfile === undefined ? 'service_name' : 'dockerfile'
  return { image: undefined, problems: [problemAt(entry, [at], missing)] }
}

/** A build without its Dockerfile, or with one that is outside of what it can read, need not begin. */
async function missingFile(
  files: SiteFiles,
  { dockerfile, context }: DeclaredImage,
): Promise<{ message: string; expected: string } | undefined> {
  if (context !== '' && !dockerfile.startsWith(`${context}/`)) {
    return {
      message: `${dockerfile} is not in the context ${context}`,
      expected: 'a Dockerfile within the context: name a larger one, as in "context": "."',
    }
  }
  const file = await readSiteFile(files, dockerfile)
  return 'fault' in file ? { message: file.fault, expected: 'a Dockerfile' } : undefined
}

function unknownMirrors(
  document: SourceDocument,
  read: readonly ReadEntry[],
  mirrors: readonly string[] | undefined,
): Problem[] {
  if (mirrors === undefined) return []
  return read.flatMap(({ image }, index) =>
    (image?.mirrors ?? []).flatMap((name, at) => {
      if (mirrors.includes(name)) return []
      const suggestion = closest(name, mirrors)
      const message = `there is no mirror ${JSON.stringify(name)}`
      const more = { expected: 'a mirror of larder.yaml', ...(suggestion === undefined ? {} : { suggestion }) }
      return [problemAt(document, [index, 'mirrors', at], { message, ...more })]
    }),
  )
}

/** One name is one image: two versions of it would take each other's badge. */
function repetitions(document: SourceDocument, read: readonly ReadEntry[]): Problem[] {
  const seen = new Map<string, number>()
  return read.flatMap(({ image }, index) => {
    if (image === undefined) return []
    const first = seen.get(image.name)
    if (first === undefined) {
      seen.set(image.name, index)
      return []
    }
    const { line } = document.positionOf([first, 'service_name'])
    const message = `${image.name} is in the list twice, first in line ${line}`
    return [problemAt(document, [index, 'service_name'], { message, expected: 'each image once' })]
  })
}
