import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { readEntries, writeHeader } from '../header/header-entries.ts'
import { readRpmBytes } from '../header/read-rpm.ts'
import { SignatureTag, Tag } from '../header/tag.ts'
import { cpio, type CpioEntry } from './cpio.ts'
import { bin, headerBytes, i18n, int16, int32, string, strings, type HeaderValue } from './header-bytes.ts'

export interface MakeRpmOptions {
  name: string
  version: string
  /** Default `1`. */
  release?: string
  epoch?: number
  /** Default `x86_64`; `src` makes a source package. */
  architecture?: string
  /** Default: `The package <name>`. */
  summary?: string
  description?: string
  license?: string
  group?: string
  url?: string
  vendor?: string
  packager?: string
  buildHost?: string
  /** Seconds since 1970. Default 2024-01-01. */
  buildTime?: number
  /** Default: made of name, version and release. */
  sourceRpm?: string
  modularityLabel?: string
  /** Each as a spec file has it: `libc >= 2.17`, `(a if b)`, `/bin/sh`. `pre:/bin/sh`: needed before installation. */
  requires?: readonly string[]
  /** The package itself is always provided. */
  provides?: readonly string[]
  conflicts?: readonly string[]
  obsoletes?: readonly string[]
  recommends?: readonly string[]
  suggests?: readonly string[]
  supplements?: readonly string[]
  enhances?: readonly string[]
  /** Contents by absolute path; undefined for a directory. Default: none. */
  files?: Readonly<Record<string, string | undefined>>
  /** Paths that belong to the package and are not in it. */
  ghosts?: readonly string[]
  /** The newest first. */
  changelogs?: readonly { author: string; date: number; text: string }[]
  /** To damage what is made: header entries in place of, or besides, the right ones. */
  entries?: ReadonlyMap<number, HeaderValue>
}

/** A package that rpm 4.18 installs, without a signature: signRpm adds one. Equal options give equal bytes. */
export function makeRpm(options: MakeRpmOptions): Buffer {
  const buildTime = options.buildTime ?? 1_704_067_200
  const files = filesOf(options)
  const archive = cpio(
    files.filter(({ isGhost }) => !isGhost),
    buildTime,
  )
  const payload = gzipSync(archive, { level: 1 })
  const header = headerBytes(63, new Map([...mainEntries(options, files, payload), ...(options.entries ?? [])]))
  return assembleRpm(leadOf(options), { header, payload, archiveBytes: archive.length })
}

export interface RpmParts {
  header: Buffer
  payload: Buffer
  archiveBytes: number
}

/** Lead, signature header with digests and the given signature, header, payload. */
export function assembleRpm(
  lead: Buffer,
  parts: RpmParts,
  signature: ReadonlyMap<number, HeaderValue> = new Map(),
): Buffer {
  const { header, payload, archiveBytes } = parts
  const entries = new Map<number, HeaderValue>([
    [SignatureTag.size, int32(header.length + payload.length)],
    [SignatureTag.md5, bin(createHash('md5').update(header).update(payload).digest())],
    [SignatureTag.payloadSize, int32(archiveBytes)],
    [SignatureTag.sha1Header, string(createHash('sha1').update(header).digest('hex'))],
    [SignatureTag.sha256Header, string(createHash('sha256').update(header).digest('hex'))],
    ...signature,
  ])
  const signatures = headerBytes(62, entries)
  return Buffer.concat([lead, signatures, Buffer.alloc((8 - (signatures.length % 8)) % 8), header, payload])
}

/** As builders made packages before there were digests of the payload. */
export function withoutPayloadDigest(rpm: Buffer): Buffer {
  const { header, headerEnd, signature } = readRpmBytes(rpm, 'a package')
  const digests: readonly number[] = [Tag.payloadDigest, Tag.payloadDigestAlgorithm]
  const entries = readEntries(header, 63).filter(({ tag }) => !digests.includes(tag))
  const archiveBytes = signature.integer(SignatureTag.payloadSize) ?? 0
  return assembleRpm(rpm.subarray(0, 96), {
    header: writeHeader(63, entries),
    payload: rpm.subarray(headerEnd),
    archiveBytes,
  })
}

type MadeFile = CpioEntry & { isGhost: boolean }

function filesOf({ files = {}, ghosts = [] }: MakeRpmOptions): MadeFile[] {
  const made = Object.entries(files).map(([path, content]) => ({
    path,
    mode: content === undefined ? 0o040755 : path.includes('bin/') ? 0o100755 : 0o100644,
    content: Buffer.from(content ?? ''),
    isGhost: false,
  }))
  const absent = ghosts.map((path) => ({ path, mode: 0o100644, content: Buffer.alloc(0), isGhost: true }))
  return [...made, ...absent].sort((a, b) => (a.path < b.path ? -1 : 1))
}

function mainEntries(options: MakeRpmOptions, files: readonly MadeFile[], payload: Buffer): Map<number, HeaderValue> {
  const { name, version, release = '1', epoch, architecture = 'x86_64', changelogs = [] } = options
  const isSource = architecture === 'src'
  const entries = new Map<number, HeaderValue>([
    [100, strings(['C'])],
    [Tag.name, string(name)],
    [Tag.version, string(version)],
    [Tag.release, string(release)],
    [Tag.summary, i18n(options.summary ?? `The package ${name}`)],
    [Tag.description, i18n(options.description ?? `The package ${name}, to try things with.`)],
    [Tag.buildTime, int32(options.buildTime ?? 1_704_067_200)],
    [Tag.buildHost, string(options.buildHost ?? 'build.example.org')],
    [Tag.size, int32(files.reduce((sum, { content }) => sum + content.length, 0))],
    [Tag.license, string(options.license ?? 'MIT')],
    [Tag.group, i18n(options.group ?? 'Unspecified')],
    [Tag.os, string('linux')],
    [Tag.arch, string(isSource ? 'x86_64' : architecture)],
    [1064, string('4.18.0')],
    [Tag.payloadFormat, string('cpio')],
    [Tag.payloadCompressor, string('gzip')],
    [1126, string('9')],
    [5062, string('utf-8')],
    [Tag.payloadDigest, strings([createHash('sha256').update(payload).digest('hex')])],
    [Tag.payloadDigestAlgorithm, int32(8)],
    isSource
      ? [Tag.sourcePackage, int32(1)]
      : [Tag.sourceRpm, string(options.sourceRpm ?? `${name}-${version}-${release}.src.rpm`)],
  ])
  if (epoch !== undefined) entries.set(Tag.epoch, int32(epoch))
  if (options.url !== undefined) entries.set(Tag.url, string(options.url))
  if (options.vendor !== undefined) entries.set(Tag.vendor, string(options.vendor))
  if (options.packager !== undefined) entries.set(Tag.packager, string(options.packager))
  if (options.modularityLabel !== undefined) entries.set(Tag.modularityLabel, string(options.modularityLabel))
  if (changelogs.length > 0) {
    entries.set(Tag.changelogTime, int32(...changelogs.map(({ date }) => date)))
    entries.set(Tag.changelogName, strings(changelogs.map(({ author }) => author)))
    entries.set(Tag.changelogText, strings(changelogs.map(({ text }) => text)))
  }
  addRelations(entries, options)
  addFiles(entries, files, options.buildTime ?? 1_704_067_200)
  return entries
}

const rpmlib = (1 << 24) | 2 | 8
const signs: Record<string, number> = { '<': 2, '<=': 10, '=': 8, '>=': 12, '>': 4 }

function addRelations(entries: Map<number, HeaderValue>, options: MakeRpmOptions): void {
  const { name, version, release = '1', epoch } = options
  const evr = `${epoch === undefined ? '' : `${epoch}:`}${version}-${release}`
  const provides = [...(options.provides ?? []).map(relationOf), { name, flags: 8, evr }]
  const isRich = [...(options.requires ?? []), ...(options.recommends ?? [])].some((text) => text.startsWith('('))
  const requires = [
    ...(options.requires ?? []).map(relationOf),
    { name: 'rpmlib(CompressedFileNames)', flags: rpmlib, evr: '3.0.4-1' },
    { name: 'rpmlib(FileDigests)', flags: rpmlib, evr: '4.6.0-1' },
    { name: 'rpmlib(PayloadFilesHavePrefix)', flags: rpmlib, evr: '4.0-1' },
    ...(isRich ? [{ name: 'rpmlib(RichDependencies)', flags: rpmlib, evr: '4.12.0-1' }] : []),
  ]
  const put = (tags: [number, number, number], relations: readonly Relation[]): void => {
    if (relations.length === 0) return
    entries.set(tags[0], strings(relations.map((relation) => relation.name)))
    entries.set(tags[1], int32(...relations.map((relation) => relation.flags)))
    entries.set(tags[2], strings(relations.map((relation) => relation.evr)))
  }
  put([Tag.provideName, Tag.provideFlags, Tag.provideVersion], provides)
  put([Tag.requireName, Tag.requireFlags, Tag.requireVersion], requires)
  put([Tag.conflictName, Tag.conflictFlags, Tag.conflictVersion], (options.conflicts ?? []).map(relationOf))
  put([Tag.obsoleteName, Tag.obsoleteFlags, Tag.obsoleteVersion], (options.obsoletes ?? []).map(relationOf))
  put([Tag.recommendName, Tag.recommendFlags, Tag.recommendVersion], (options.recommends ?? []).map(relationOf))
  put([Tag.suggestName, Tag.suggestFlags, Tag.suggestVersion], (options.suggests ?? []).map(relationOf))
  put([Tag.supplementName, Tag.supplementFlags, Tag.supplementVersion], (options.supplements ?? []).map(relationOf))
  put([Tag.enhanceName, Tag.enhanceFlags, Tag.enhanceVersion], (options.enhances ?? []).map(relationOf))
}

interface Relation {
  name: string
  flags: number
  evr: string
}

const neededBefore = 1 << 9

function relationOf(text: string): Relation {
  if (text.startsWith('(')) return { name: text, flags: 0, evr: '' }
  const isBefore = text.startsWith('pre:')
  const [name = '', sign = '', evr = ''] = (isBefore ? text.slice(4) : text).split(' ')
  return { name, flags: (signs[sign] ?? 0) | (isBefore ? neededBefore : 0), evr }
}

function addFiles(entries: Map<number, HeaderValue>, files: readonly MadeFile[], mtime: number): void {
  if (files.length === 0) return
  const folderOf = (path: string): string => path.slice(0, path.lastIndexOf('/') + 1)
  const folders = [...new Set(files.map(({ path }) => folderOf(path)))]
  const all = (value: number): HeaderValue => int32(...files.map(() => value))
  entries.set(Tag.fileSizes, int32(...files.map(({ content }) => content.length)))
  entries.set(Tag.fileModes, int16(files.map(({ mode }) => mode)))
  entries.set(1033, int16(files.map(() => 0)))
  entries.set(1034, all(mtime))
  entries.set(1035, strings(files.map(digestOfFile)))
  entries.set(1036, strings(files.map(() => '')))
  entries.set(Tag.fileFlags, int32(...files.map(({ isGhost }) => (isGhost ? 1 << 6 : 0))))
  entries.set(1039, strings(files.map(() => 'root')))
  entries.set(1040, strings(files.map(() => 'root')))
  entries.set(1045, all(0xffffffff))
  entries.set(1095, all(1))
  entries.set(1096, int32(...files.map((_, at) => at + 1)))
  entries.set(1097, strings(files.map(() => '')))
  entries.set(Tag.dirIndexes, int32(...files.map(({ path }) => folders.indexOf(folderOf(path)))))
  entries.set(Tag.baseNames, strings(files.map(({ path }) => path.slice(path.lastIndexOf('/') + 1))))
  entries.set(Tag.dirNames, strings(folders))
  entries.set(5011, int32(8))
}

function digestOfFile({ mode, content, isGhost }: MadeFile): string {
  const isFile = (mode & 0o170000) === 0o100000
  return isFile && !isGhost ? createHash('sha256').update(content).digest('hex') : ''
}

function leadOf({ name, version, release = '1', architecture }: MakeRpmOptions): Buffer {
  const lead = Buffer.alloc(96)
  lead.writeUInt32BE(0xedabeedb, 0)
  lead[4] = 3
  lead.writeUInt16BE(architecture === 'src' ? 1 : 0, 6)
  lead.writeUInt16BE(1, 8)
  lead.write(`${name}-${version}-${release}`.slice(0, 65), 10)
  lead.writeUInt16BE(1, 76)
  lead.writeUInt16BE(5, 78)
  return lead
}
