import { createHash } from 'node:crypto'
import { laterRelations, type RelationName } from '../package-rows.ts'
import { escapeXml } from '../xml-document.ts'

/** A package as tests and benches write it down; what is missing is made up from the name. */
export interface TextPackage extends Partial<Record<RelationName, readonly string[]>> {
  name: string
  /** `1:2.0-3`. Default: `1.0-1`. */
  evr?: string
  /** Default: `x86_64`. */
  architecture?: string
  href?: string
  base?: string
  /** Hex of SHA-256. */
  checksum?: string
  sizeBytes?: number
  sourceRpm?: string
  summary?: string
  description?: string
  /** Paths; those that end in `/` are directories. */
  files?: readonly string[]
}

const common = 'http://linux.duke.edu/metadata/common'
const rpm = 'http://linux.duke.edu/metadata/rpm'
const declaration = '<?xml version="1.0" encoding="UTF-8"?>\n'

/** primary.xml, piece by piece: 60,000 packages need not be in memory. Relations as `bash >= 1:4.2-1`. */
export function* primaryParts(packages: Iterable<TextPackage>, count: number): Generator<string> {
  yield `${declaration}<metadata xmlns="${common}" xmlns:rpm="${rpm}" packages="${count}">\n`
  for (const one of packages) yield primaryFragment(one)
  yield '</metadata>\n'
}

/** filelists.xml with all files of the packages. */
function* filelistsParts(packages: Iterable<TextPackage>, count: number): Generator<string> {
  yield `${declaration}<filelists xmlns="http://linux.duke.edu/metadata/filelists" packages="${count}">\n`
  for (const one of packages) {
    const { name, architecture = 'x86_64', files = [] } = one
    yield `<package pkgid="${checksumOf(one)}" name="${escapeXml(name)}" arch="${architecture}">\n`
    yield `  <version ${evrAttributes(one.evr ?? '1.0-1')}/>\n${files.map(fileTag).join('')}</package>\n`
  }
  yield '</filelists>\n'
}

export function primaryText(packages: readonly TextPackage[]): string {
  return [...primaryParts(packages, packages.length)].join('')
}

export function filelistsText(packages: readonly TextPackage[]): string {
  return [...filelistsParts(packages, packages.length)].join('')
}

export function checksumOf({ name, evr = '1.0-1', architecture = 'x86_64', checksum }: TextPackage): string {
  return checksum ?? createHash('sha256').update(`${name} ${evr} ${architecture}`).digest('hex')
}

/** Packages such as a large distribution has, `count` of them, the same in every run; some 900 bytes each. */
export function* syntheticPackages(count: number): Generator<TextPackage> {
  for (let index = 0; index < count; index++) yield syntheticPackage(index)
}

function syntheticPackage(index: number): TextPackage {
  const name = `${['lib', 'python3-', 'perl-', '', 'golang-'][index % 5]!}package-${index}`
  const evr = `${index % 17 === 0 ? '1:' : ''}${1 + (index % 9)}.${index % 31}.${index % 7}-${1 + (index % 12)}.el9`
  const needs = Array.from({ length: 3 + (index % 5) }, (_, turn) => libraryOf((index * 7 + turn * 131) % (index + 1)))
  const arch = index % 4 === 0 ? 'noarch' : 'x86_64'
  return {
    name,
    evr,
    architecture: arch,
    href: `Packages/${name[0]!}/${name}-${evr.replace(/^\d+:/, '')}.${arch}.rpm`,
    sizeBytes: 10_000 + ((index * 7919) % 5_000_000),
    sourceRpm: `source-${index >> 2}-${evr.replace(/^\d+:/, '')}.src.rpm`,
    summary: `The part of package ${index} that everything else needs`,
    description: `Package ${index} offers what its name says & more: <a library>, its tools,\nand the files that both need.`,
    provides: [`${name} = ${evr}`, `${name}(x86-64) = ${evr}`, libraryOf(index)],
    requires: ['libc.so.6(GLIBC_2.34)(64bit)', 'rtld(GNU_HASH)', '/bin/sh', ...needs],
    ...(index % 10 === 0 ? { recommends: [`${name}-langpacks = ${evr}`], conflicts: [`${name}-compat < 2.0`] } : {}),
    files: [`/usr/bin/tool-${index}`, `/etc/package-${index}.conf`],
  }
}

function libraryOf(index: number): string {
  return `libpackage-${index}.so.${index % 4}()(64bit)`
}

function primaryFragment(one: TextPackage): string {
  const { name, evr = '1.0-1', architecture = 'x86_64', summary = name, description = summary, base } = one
  const href = one.href ?? `${name}-${evr.replace(/^\d+:/, '')}.${architecture}.rpm`
  const sizeBytes = one.sizeBytes ?? 1000
  const fields = ['provides', ...laterRelations, 'supplements'] as const
  const relations = fields.map((field) => relationTags(field, one[field]))
  return `<package type="rpm">
  <name>${escapeXml(name)}</name>
  <arch>${architecture}</arch>
  <version ${evrAttributes(evr)}/>
  <checksum type="sha256" pkgid="YES">${checksumOf(one)}</checksum>
  <summary>${escapeXml(summary)}</summary>
  <description>${escapeXml(description)}</description>
  <packager>Example</packager>
  <url>http://example.org/${escapeXml(name)}</url>
  <time file="1700000000" build="1690000000"/>
  <size package="${sizeBytes}" installed="${sizeBytes * 3}" archive="${sizeBytes * 3 + 400}"/>
  <location ${base === undefined ? '' : `xml:base="${escapeXml(base)}" `}href="${escapeXml(href)}"/>
  <format>
    <rpm:license>MIT</rpm:license>
    <rpm:vendor>Example</rpm:vendor>
    <rpm:group>Unspecified</rpm:group>
    <rpm:buildhost>build.example.org</rpm:buildhost>
    <rpm:sourcerpm>${escapeXml(one.sourceRpm ?? '')}</rpm:sourcerpm>
    <rpm:header-range start="4504" end="9000"/>
${relations.join('')}${(one.files ?? []).map(fileTag).join('')}  </format>
</package>
`
}

function relationTags(field: RelationName, texts: readonly string[] = []): string {
  if (texts.length === 0) return ''
  return `    <rpm:${field}>\n${texts.map((text) => `      ${entryTag(text)}\n`).join('')}    </rpm:${field}>\n`
}

const flags: Record<string, string> = { '<': 'LT', '<=': 'LE', '=': 'EQ', '>=': 'GE', '>': 'GT' }

function entryTag(text: string): string {
  const [, name = text, operator, evr = ''] = /^([^(\s]\S*) (<|<=|=|>=|>) (\S+)$/.exec(text) ?? []
  const version = operator === undefined ? '' : ` flags="${flags[operator]!}" ${evrAttributes(evr)}`
  return `<rpm:entry name="${escapeXml(name)}"${version}/>`
}

function evrAttributes(evr: string): string {
  const [, epoch = '0', version = '', release] = /^(?:(\d+):)?([^-]*)(?:-(.*))?$/.exec(evr) ?? []
  return `epoch="${epoch}" ver="${escapeXml(version)}"${release === undefined ? '' : ` rel="${escapeXml(release)}"`}`
}

function fileTag(path: string): string {
  if (path.endsWith('/')) return `    <file type="dir">${escapeXml(path.slice(0, -1))}</file>\n`
  return `    <file>${escapeXml(path)}</file>\n`
}
