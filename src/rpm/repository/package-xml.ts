import { relationNames, type RelationName, type RpmFileEntry, type RpmPackage } from '../rpm-package.ts'
import { isPrimaryPath } from './primary-path.ts'
import { publishedRelations, type PublishedRelation } from './published-relations.ts'
import { weakRelations } from './rich-dependency.ts'
import { xmlAttribute, xmlText } from './xml-text.ts'

/** What a repository says of a package that its header does not. */
export interface PublishedChecksum {
  type: 'sha256' | 'sha512'
  /** Lower-case. In all three files it is what the package is known by. */
  hex: string
}

/**
 * A package in primary.xml, as createrepo_c writes it. The time of the file is that of the build, so that the same
 * package always gives the same bytes.
 */
export function primaryXml(
  rpm: RpmPackage,
  { path, checksum, isForYum3 }: { path: string; checksum: PublishedChecksum; isForYum3: boolean },
): string {
  const kinds = isForYum3 ? relationNames.filter((kind) => !weakRelations.includes(kind)) : relationNames
  return `<package type="rpm">
  <name>${xmlText(rpm.name)}</name>
  <arch>${xmlText(rpm.architecture)}</arch>
  ${versionElement(rpm)}
  <checksum type="${checksum.type}" pkgid="YES">${checksum.hex}</checksum>
  ${textElement('summary', rpm.summary)}
  ${textElement('description', rpm.description)}
  ${textElement('packager', rpm.packager)}
  ${textElement('url', rpm.url)}
  <time file="${rpm.buildTime}" build="${rpm.buildTime}"/>
  <size package="${rpm.packageBytes}" installed="${rpm.installedBytes}" archive="${rpm.archiveBytes}"/>
  <location href="${xmlAttribute(path)}"/>
  <format>
    ${textElement('rpm:license', rpm.license)}
    ${textElement('rpm:vendor', rpm.vendor)}
    ${textElement('rpm:group', rpm.group)}
    ${textElement('rpm:buildhost', rpm.buildHost)}
    ${textElement('rpm:sourcerpm', rpm.sourceRpm)}
    <rpm:header-range start="${rpm.headerStart}" end="${rpm.headerEnd}"/>
${kinds.map((kind) => relationsElement(rpm, kind)).join('')}${fileElements(rpm.files.filter(({ path: file }) => isPrimaryPath(file)))}  </format>
</package>
`
}

/** A package in filelists.xml. */
export function filelistsXml(rpm: RpmPackage, pkgid: string): string {
  return `${packageStart(rpm, pkgid)}${fileElements(rpm.files)}</package>\n`
}

/** A package in other.xml: its ten latest changelog entries, the oldest first. */
export function otherXml(rpm: RpmPackage, pkgid: string): string {
  const entries = apart(rpm.changelogs.slice(0, changelogLimit)).reverse()
  const elements = entries.map(
    ({ author, date, text }) =>
      `  <changelog author="${xmlAttribute(author)}" date="${date}">${xmlText(text)}</changelog>\n`,
  )
  return `${packageStart(rpm, pkgid)}${elements.join('')}</package>\n`
}

const changelogLimit = 10

/** Entries of one moment get a second each, the newest the last, since clients sort by date alone. */
function apart(changelogs: RpmPackage['changelogs']): RpmPackage['changelogs'] {
  const entries = changelogs.map((entry) => ({ ...entry, author: entry.author.replace(/(?<=.) +$/, '') }))
  for (let index = entries.length - 2; index >= 0; index--) {
    const [newer, older] = [entries[index]!, entries[index + 1]!]
    const isSameMoment = changelogs[index]!.date === changelogs[index + 1]!.date
    if (isSameMoment) newer.date = older.date + 1
  }
  return entries
}

function packageStart(rpm: RpmPackage, pkgid: string): string {
  const { name, architecture } = rpm
  const attributes = `pkgid="${pkgid}" name="${xmlAttribute(name)}" arch="${xmlAttribute(architecture)}"`
  return `<package ${attributes}>\n  ${versionElement(rpm)}\n`
}

function versionElement({ evr: { epoch, version, release } }: RpmPackage): string {
  return `<version epoch="${xmlAttribute(epoch)}" ver="${xmlAttribute(version)}" rel="${xmlAttribute(release)}"/>`
}

function textElement(name: string, text: string): string {
  return text === '' ? `<${name}/>` : `<${name}>${xmlText(text)}</${name}>`
}

function relationsElement(rpm: RpmPackage, kind: RelationName): string {
  const entries = publishedRelations(rpm, kind).map(entryElement)
  return entries.length === 0 ? '' : `    <rpm:${kind}>\n${entries.join('')}    </rpm:${kind}>\n`
}

function entryElement({ name, comparison, epoch, version, release, isPre }: PublishedRelation): string {
  let attributes = `name="${xmlAttribute(name)}"`
  if (comparison !== undefined) attributes += ` flags="${comparison}"`
  if (epoch !== undefined) attributes += ` epoch="${xmlAttribute(epoch)}"`
  if (version !== undefined) attributes += ` ver="${xmlAttribute(version)}"`
  if (release !== undefined) attributes += ` rel="${xmlAttribute(release)}"`
  return `      <rpm:entry ${attributes}${isPre ? ' pre="1"' : ''}/>\n`
}

function fileElements(files: readonly RpmFileEntry[]): string {
  let all = ''
  for (const { path, kind } of files) {
    all += `    <file${kind === 'file' ? '' : ` type="${kind}"`}>${xmlText(path)}</file>\n`
  }
  return all
}
