import {
  isLarderError,
  parseSiteFile,
  sortProblems,
  subDocument,
  type CheckContext,
  type KindGrammar,
  type LarderError,
  type Problem,
  type SiteFiles,
  type SourceDocument,
} from '../core/index.ts'
import { readSection, type ReadSection } from './site-section.ts'
import { checkSiteName, respellSections, schemasOf } from './site-sections.ts'

/** What the files of a site say, validated. */
export interface Site {
  /** `campus` */
  name: string
  /** By key in larder.yaml, shared ones (`upstreams`) included; without those that are not there. */
  sections: Record<string, unknown>
}

export type SiteResult = { site: Site; warnings: Problem[] } | FaultySite

export interface FaultySite {
  problems: Problem[]
  /** Its name; undefined when that is wrong. */
  name: string | undefined
  /** As `sections` of a site, without the entries that are wrong in themselves. */
  rest: Readonly<Record<string, unknown>>
}

/** The file that makes a repository a site repository. */
export const siteFile = 'larder.yaml'

/**
 * Reads larder.yaml and all files that it names. When anything is wrong, the answer is every problem of every file,
 * warnings included, sorted by file, line and column. Never throws for what is in the files.
 */
export async function readSite(files: SiteFiles, kinds: readonly KindGrammar[]): Promise<SiteResult> {
  const bytes = await readFile(files)
  if (bytes === undefined) return unreadable([await noSiteFile(files)])
  if ('message' in bytes) return unreadable([atStart({ message: bytes.message.replace(/\.$/, '') })])
  const { document: written, problems: syntax } = parseSiteFile(bytes, siteFile)
  if (written === undefined) return unreadable(sortProblems(syntax))
  const { document, problems: unknown } = respellSections(written, kinds)
  const problems = [...syntax, ...unknown]
  const sections = readSections(document, kinds)
  problems.push(...Object.values(sections).flatMap((section) => section.problems))
  const context = contextOf(files, document, sections)
  problems.push(...(await askKinds(kinds, sections, context)))
  const name = checkSiteName(document, problems)
  if (name === undefined || problems.some(({ severity }) => severity === 'error'))
    return { problems: sortProblems(problems), name, rest: context.site }
  return { site: { name, sections: { ...context.site } }, warnings: sortProblems(problems) }
}

function unreadable(problems: Problem[]): FaultySite {
  return { problems, name: undefined, rest: {} }
}

type Sections = Record<string, ReadSection>

function readSections(document: SourceDocument, kinds: readonly KindGrammar[]): Sections {
  const sections: Sections = {}
  for (const [key, schema] of Object.entries(schemasOf(kinds))) {
    const section = subDocument(document, [key])
    if (section.value !== undefined) sections[key] = readSection(schema, section, key)
  }
  return sections
}

function contextOf(files: SiteFiles, document: SourceDocument, sections: Sections): CheckContext {
  const entries = Object.entries(sections)
  const documentAt = ([key, ...path]: readonly (string | number)[]): SourceDocument =>
    key === undefined ? document : subDocument(sections[key]?.document ?? subDocument(document, [key]), path)
  return {
    files,
    site: Object.fromEntries(entries.map(([key, section]) => [key, section.value])),
    declared: Object.fromEntries(entries.map(([key, section]) => [key, section.names])),
    wrong: Object.fromEntries(entries.map(([key, section]) => [key, section.wrong])),
    documentAt,
    positionOf: (path, part) => ({ file: siteFile, ...documentAt(path.slice(0, 1)).positionOf(path.slice(1), part) }),
  }
}

async function askKinds(kinds: readonly KindGrammar[], sections: Sections, context: CheckContext): Promise<Problem[]> {
  const asked = kinds.map(async (kind) => {
    const section = sections[kind.section]
    return section?.value === undefined ? [] : kind.check(section.value, context)
  })
  return (await Promise.all(asked)).flat()
}

/** The file, or what keeps it from being read. */
async function readFile(files: SiteFiles): Promise<Buffer | LarderError | undefined> {
  try {
    return await files.read(siteFile)
  } catch (error) {
    if (isLarderError(error, 'GIT_FILE_REFUSED')) return error
    throw error
  }
}

function atStart(problem: Pick<Problem, 'message'>): Problem {
  const expected = `a file ${siteFile} at the root of the repository`
  return { severity: 'error', file: siteFile, line: 1, column: 1, expected, ...problem }
}

async function noSiteFile(files: SiteFiles): Promise<Problem> {
  const others = (await files.list('')).filter((path) => /(^|\/)\.?larder\.(ya?ml|json)$/i.test(path))
  const message = 'there is no such file'
  return atStart({ message: others[0] === undefined ? message : `${message}, but there is ${others[0]}` })
}
