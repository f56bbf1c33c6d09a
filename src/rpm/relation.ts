import { compareVersions, formatEvr, type Evr } from './version.ts'

export type Comparison = '<' | '<=' | '=' | '>=' | '>'

/** What a package provides or asks for: a name, a path, or a name with versions. */
export interface Capability {
  name: string
  comparison?: Comparison
  evr?: Evr
}

/** `with` and `without` speak of one package that must, or must not, have both. */
export type RichOperator = 'and' | 'or' | 'with' | 'without' | 'if' | 'unless'

export interface RichExpression {
  operator: RichOperator
  /** Two, or more of `and`, `or` and `with`. */
  operands: Expression[]
  /** Of `if` and `unless`. */
  otherwise?: Expression
}

/** A dependency. Source: rpm-dependencies(7), "Boolean Dependencies" of the RPM reference. */
export type Expression = Capability | RichExpression

export function isRich(expression: Expression): expression is RichExpression {
  return 'operator' in expression
}

/**
 * Whether what is provided is what is required. Opposite to Debian: what is provided without a version satisfies
 * every version. A missing epoch is 0. Releases count only where both sides name one; a side that names none, and
 * whose operator includes equality, means every release of its version. Source: rpm-dependencies(7), rpm itself.
 */
export function overlaps(provided: Capability, required: Capability): boolean {
  if (provided.name !== required.name) return false
  if (provided.comparison === undefined || required.comparison === undefined) return true
  const [offered, wanted] = [provided.comparison, required.comparison]
  const [offer, wish] = [provided.evr!, required.evr!]
  const order = compareVersions(offer.epoch, wish.epoch) || compareVersions(offer.version, wish.version)
  if (order === 0 && offer.release === '' && wish.release !== '' && offered.includes('=')) return true
  if (order === 0 && wish.release === '' && offer.release !== '' && wanted.includes('=')) return true
  return meets(order || compareNamedReleases(offer, wish), offered, wanted)
}

/** Canonical text: equal expressions give equal texts, which parseDependency takes. */
export function formatDependency(expression: Expression): string {
  if (!isRich(expression)) {
    const { name, comparison, evr } = expression
    return comparison === undefined ? name : `${name} ${comparison} ${formatEvr(evr!)}`
  }
  const { operator, operands, otherwise } = expression
  const inner = operands.map(formatDependency).join(` ${operator} `)
  return `(${inner}${otherwise === undefined ? '' : ` else ${formatDependency(otherwise)}`})`
}

function compareNamedReleases(a: Evr, b: Evr): number {
  return a.release === '' || b.release === '' ? 0 : compareVersions(a.release, b.release)
}

/** Whether two ranges have a version in common, by the order of their bounds. */
function meets(order: number, offered: Comparison, wanted: Comparison): boolean {
  if (order < 0) return offered.includes('>') || wanted.includes('<')
  if (order > 0) return offered.includes('<') || wanted.includes('>')
  return ['=', '<', '>'].some((sign) => offered.includes(sign) && wanted.includes(sign))
}
