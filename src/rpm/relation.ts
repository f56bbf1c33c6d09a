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
 * every version. Releases count only where both sides name one; a missing epoch is 0. Source: rpmdsCompare.
 */
export function overlaps(provided: Capability, required: Capability): boolean {
  if (provided.name !== required.name) return false
  if (provided.comparison === undefined || required.comparison === undefined) return true
  const order = compareNamed(provided.evr!, required.evr!)
  const [offered, wanted] = [provided.comparison, required.comparison]
  if (order < 0) return offered.includes('>') || wanted.includes('<')
  if (order > 0) return offered.includes('<') || wanted.includes('>')
  return ['=', '<', '>'].some((sign) => offered.includes(sign) && wanted.includes(sign))
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

function compareNamed(a: Evr, b: Evr): number {
  const order = compareVersions(a.epoch, b.epoch) || compareVersions(a.version, b.version)
  return order !== 0 || a.release === '' || b.release === '' ? order : compareVersions(a.release, b.release)
}
