import { LarderError } from '../core/index.ts'
import type { Capability, Comparison, Expression, RichExpression, RichOperator } from './relation.ts'
import { parseEvr } from './version.ts'

/**
 * Reads `name`, `name >= 1:2.0-3`, `(a if b else c)`.
 *
 * @throws RPM_DEPENDENCY_MALFORMED
 */
export function parseDependency(text: string): Expression {
  if (!text.startsWith('(')) return parseCapability(text)
  const reader = new RichReader(text)
  const expression = reader.readRich(0)
  reader.expectEnd()
  return expression
}

/** `name`, `name >= 1:2.0-3`; a name may hold anything but a blank. */
function parseCapability(text: string): Capability {
  const [name = '', comparison, evr, ...rest] = text.split(' ')
  if (name === '' || rest.length > 0)
    throw malformed(text, 'a name, and perhaps an operator and a version, are expected')
  if (comparison === undefined) return { name }
  if (!isComparison(comparison)) throw malformed(text, `${comparison} is none of < <= = >= >`)
  if (evr === undefined || evr === '') throw malformed(text, 'a version is missing')
  return { name, comparison, evr: parseEvr(evr) }
}

/** Deeper than anything that a person wrote. */
const maxDepth = 50

class RichReader {
  private readonly text: string
  private at = 0

  constructor(text: string) {
    this.text = text
  }

  readRich(depth: number): RichExpression | Capability {
    if (depth > maxDepth) throw this.fault(`it is nested more than ${maxDepth} deep`)
    this.at++
    const first = this.readOperand(depth)
    this.skipBlanks()
    if (this.takes(')')) return first
    const operator = this.readWord()
    if (!isRichOperator(operator)) throw this.fault(`${operator || 'nothing'} is no operator`)
    const operands = [first, this.readOperand(depth)]
    let otherwise: Expression | undefined
    for (;;) {
      this.skipBlanks()
      if (this.takes(')')) return otherwise === undefined ? { operator, operands } : { operator, operands, otherwise }
      const next = this.readWord()
      const isConditional = operator === 'if' || operator === 'unless'
      if (isConditional && next === 'else' && otherwise === undefined) otherwise = this.readOperand(depth)
      else if (next === operator && isChain(operator)) operands.push(this.readOperand(depth))
      else throw this.fault(`${next || 'nothing'} where ${operator} or a closing bracket must stand`)
    }
  }

  expectEnd(): void {
    if (this.at < this.text.length) throw this.fault('something stands after its closing bracket')
  }

  private readOperand(depth: number): RichExpression | Capability {
    this.skipBlanks()
    if (this.text[this.at] === '(') return this.readRich(depth + 1)
    const name = this.readWord()
    if (name === '') throw this.fault('a name is missing')
    const before = this.at
    this.skipBlanks()
    const comparison = this.readWord()
    if (!isComparison(comparison)) {
      this.at = before
      return { name }
    }
    this.skipBlanks()
    const evr = this.readWord()
    if (evr === '') throw this.fault('a version is missing')
    return { name, comparison, evr: parseEvr(evr) }
  }

  /** Up to a blank, or to a closing bracket that no opening one of the word goes with: `pkgconfig(x)`. */
  private readWord(): string {
    const start = this.at
    let open = 0
    for (; this.at < this.text.length; this.at++) {
      const character = this.text[this.at]
      if (character === ' ') break
      if (character === '(') open++
      if (character === ')' && open-- === 0) break
    }
    return this.text.slice(start, this.at)
  }

  private skipBlanks(): void {
    while (this.text[this.at] === ' ') this.at++
  }

  private takes(character: string): boolean {
    if (this.text[this.at] !== character) return false
    this.at++
    return true
  }

  private fault(what: string): LarderError {
    return malformed(this.text, `${what}, at character ${this.at + 1}`)
  }
}

function isComparison(text: string): text is Comparison {
  return ['<', '<=', '=', '>=', '>'].includes(text)
}

function isRichOperator(text: string): text is RichOperator {
  return ['and', 'or', 'with', 'without', 'if', 'unless'].includes(text)
}

function isChain(operator: RichOperator): boolean {
  return operator === 'and' || operator === 'or' || operator === 'with'
}

function malformed(text: string, fault: string): LarderError {
  return new LarderError('RPM_DEPENDENCY_MALFORMED', {
    message: `The dependency ${JSON.stringify(text.slice(0, 200))} cannot be understood: ${fault}.`,
    hint: 'Examples: openssl-libs >= 1:3.0, (a if b else c), (a with b).',
  })
}
