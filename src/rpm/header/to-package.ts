import type { RelationName, RpmChangelog, RpmFileEntry, RpmPackage, RpmRelation } from '../rpm-package.ts'
import { relationNames } from '../rpm-package.ts'
import { type Header, HeaderFault } from './header.ts'
import type { RpmFile } from './read-rpm.ts'
import { malformed } from './rpm-source.ts'
import { SignatureTag, Tag } from './tag.ts'

/** What the header of a package says of it. @throws RPM_MALFORMED */
export function toPackage(file: RpmFile): RpmPackage {
  try {
    return packageOf(file)
  } catch (error) {
    throw error instanceof HeaderFault ? malformed(file.label, error.message) : error
  }
}

function packageOf({ header, signature, headerStart, headerEnd, sizeBytes }: RpmFile): RpmPackage {
  const text = (tag: number): string => header.text(tag) ?? ''
  const sourceRpm = text(Tag.sourceRpm)
  const isSource = header.has(Tag.sourcePackage) || sourceRpm === ''
  return {
    name: named(header, Tag.name, 'name'),
    architecture: isSource ? 'src' : named(header, Tag.arch, 'architecture'),
    evr: {
      epoch: String(header.integer(Tag.epoch) ?? 0),
      version: named(header, Tag.version, 'version'),
      release: named(header, Tag.release, 'release'),
    },
    summary: text(Tag.summary),
    description: text(Tag.description),
    url: text(Tag.url),
    license: text(Tag.license),
    vendor: text(Tag.vendor),
    packager: text(Tag.packager),
    group: text(Tag.group),
    buildHost: text(Tag.buildHost),
    sourceRpm,
    buildTime: header.integer(Tag.buildTime) ?? 0,
    headerStart,
    headerEnd,
    packageBytes: sizeBytes,
    installedBytes: header.integer(Tag.longSize) ?? header.integer(Tag.size) ?? 0,
    archiveBytes:
      signature.integer(SignatureTag.longArchiveSize) ??
      signature.integer(SignatureTag.payloadSize) ??
      header.integer(Tag.archiveSize) ??
      0,
    relations: Object.fromEntries(relationNames.map((name) => [name, relationsOf(header, name)])) as Record<
      RelationName,
      RpmRelation[]
    >,
    files: filesOf(header),
    changelogs: changelogsOf(header),
  }
}

/** What becomes part of file names and of addresses: of the characters that rpm itself allows there. */
function named(header: Header, tag: number, what: string): string {
  const text = header.text(tag)
  if (text === undefined || text === '') throw new HeaderFault(`it has no ${what}`)
  if (!/^[A-Za-z0-9._+~^-]+$/.test(text)) throw new HeaderFault(`${JSON.stringify(text.slice(0, 80))} is no ${what}`)
  return text
}

const relationTags: Record<RelationName, { name: number; flags: number; version: number }> = {
  provides: { name: Tag.provideName, flags: Tag.provideFlags, version: Tag.provideVersion },
  requires: { name: Tag.requireName, flags: Tag.requireFlags, version: Tag.requireVersion },
  conflicts: { name: Tag.conflictName, flags: Tag.conflictFlags, version: Tag.conflictVersion },
  obsoletes: { name: Tag.obsoleteName, flags: Tag.obsoleteFlags, version: Tag.obsoleteVersion },
  suggests: { name: Tag.suggestName, flags: Tag.suggestFlags, version: Tag.suggestVersion },
  enhances: { name: Tag.enhanceName, flags: Tag.enhanceFlags, version: Tag.enhanceVersion },
  recommends: { name: Tag.recommendName, flags: Tag.recommendFlags, version: Tag.recommendVersion },
  supplements: { name: Tag.supplementName, flags: Tag.supplementFlags, version: Tag.supplementVersion },
}

function relationsOf(header: Header, relation: RelationName): RpmRelation[] {
  const tags = relationTags[relation]
  const names = header.texts(tags.name)
  if (names.length === 0) return []
  const flags = header.integers(tags.flags)
  const versions = header.texts(tags.version)
  if (flags.length !== names.length || versions.length !== names.length)
    throw new HeaderFault(
      `its ${relation} have ${names.length} names, ${flags.length} flags, ${versions.length} versions`,
    )
  return names.map((name, at) => ({ name, flags: flags[at]!, evr: versions[at]! }))
}

const ghostFlag = 1 << 6
const fileTypeMask = 0o170000
const directory = 0o040000

function filesOf(header: Header): RpmFileEntry[] {
  const paths = pathsOf(header)
  if (paths.length === 0) return []
  const modes = header.integers(Tag.fileModes)
  const flags = header.integers(Tag.fileFlags)
  return paths.map((path, at) => {
    const isDirectory = ((modes[at] ?? 0) & fileTypeMask) === directory
    return { path, kind: isDirectory ? 'dir' : ((flags[at] ?? 0) & ghostFlag) !== 0 ? 'ghost' : 'file' }
  })
}

/** As Linux limits them. Folders are named once for many files: without a limit a small header makes paths of gigabytes. */
const maxPathLength = 4096

function pathsOf(header: Header): string[] {
  const names = header.texts(Tag.baseNames)
  if (names.length === 0) return header.texts(Tag.oldFileNames)
  const folders = header.texts(Tag.dirNames)
  const indexes = header.integers(Tag.dirIndexes)
  return names.map((name, at) => {
    const folder = folders[indexes[at] ?? -1]
    if (folder === undefined) throw new HeaderFault(`the folder of its file ${at + 1} is not there`)
    if (folder.length + name.length > maxPathLength) throw new HeaderFault(`the path of its file ${at + 1} is too long`)
    return folder + name
  })
}

function changelogsOf(header: Header): RpmChangelog[] {
  const times = header.integers(Tag.changelogTime)
  if (times.length === 0) return []
  const authors = header.texts(Tag.changelogName)
  const texts = header.texts(Tag.changelogText)
  return times.map((date, at) => ({ author: authors[at] ?? '', date, text: texts[at] ?? '' }))
}
