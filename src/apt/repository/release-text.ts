import { hexOf, type Digest } from '../../core/index.ts'

/**
 * What Release says of the repository. Clients ask their user when Origin, Label, Suite or Codename change, so none
 * of them may depend on the content.
 */
export interface ReleaseFacts {
  suite: string
  /** Default: the suite. */
  codename?: string
  origin: string
  label: string
  description?: string
  components: readonly string[]
  /** Without `all`. */
  architectures: readonly string[]
}

/**
 * The text that is signed. `files` sorted, paths below `dists/<suite>/`. Lists SHA-256 only: a client looks for
 * `by-hash/` under the strongest hash that is listed. Source: Debian wiki DebianRepository/Format, "Release files".
 */
export function releaseText(
  facts: ReleaseFacts,
  files: readonly { path: string; sizeBytes: number; digest: Digest }[],
  times: { date: Date; validUntil: Date | undefined },
): string {
  const fields: [string, string | undefined][] = [
    ['Origin', facts.origin],
    ['Label', facts.label],
    ['Suite', facts.suite],
    ['Codename', facts.codename ?? facts.suite],
    ['Date', formatDate(times.date)],
    ['Valid-Until', times.validUntil && formatDate(times.validUntil)],
    ['Acquire-By-Hash', 'yes'],
    ['No-Support-for-Architecture-all', 'Packages'],
    ['Architectures', ['all', ...facts.architectures].join(' ')],
    ['Components', facts.components.join(' ')],
    ['Description', facts.description],
  ]
  const lines = fields.flatMap(([key, value]) => (value === undefined ? [] : [line(key, value)]))
  const sums = files.map(
    ({ path, sizeBytes, digest }) => ` ${hexOf(digest)} ${String(sizeBytes).padStart(10)} ${path}\n`,
  )
  return `${lines.join('')}SHA256:\n${sums.join('')}`
}

/** The small Release beside each Packages, for tools that look there. */
export function architectureRelease(facts: ReleaseFacts, component: string, architecture: string): string {
  return [
    line('Archive', facts.suite),
    line('Origin', facts.origin),
    line('Label', facts.label),
    line('Acquire-By-Hash', 'yes'),
    line('Component', component),
    line('Architecture', architecture),
  ].join('')
}

/** A value never begins a new line, whatever it holds. */
function line(key: string, value: string): string {
  return `${key}: ${value.replace(/\s+/g, ' ').trim()}\n`
}

/** RFC 5322 with the zone that apt wants, whole seconds. */
function formatDate(date: Date): string {
  return date.toUTCString().replace(/GMT$/, 'UTC')
}
