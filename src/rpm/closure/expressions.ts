import { isLarderError } from '../../core/index.ts'
import { parseDependency } from '../parse-dependency.ts'
import type { Expression } from '../relation.ts'

/** Dependencies by number of their clause, each parsed when it is first asked for. */
export class Expressions {
  private readonly textOf: (clause: number) => string
  private readonly parsed = new Map<number, Expression | undefined>()

  constructor(textOf: (clause: number) => string) {
    this.textOf = textOf
  }

  /** Undefined when it is malformed. */
  of(clause: number): Expression | undefined {
    const known = this.parsed.get(clause)
    if (known !== undefined || this.parsed.has(clause)) return known
    const expression = tryParse(this.textOf(clause))
    this.parsed.set(clause, expression)
    return expression
  }
}

function tryParse(text: string): Expression | undefined {
  try {
    return parseDependency(text)
  } catch (error) {
    if (isLarderError(error, 'RPM_DEPENDENCY_MALFORMED')) return undefined
    throw error
  }
}
