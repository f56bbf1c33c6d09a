import { closest, type Problem } from '../core/index.ts'

/** What a problem says of a name that nothing has: that a declared one is needed, and which was perhaps meant. */
export function declaredName(name: string, names: readonly string[]): Partial<Problem> {
  const suggestion = closest(name, names)
  return { expected: 'the name of one that is declared', ...(suggestion === undefined ? {} : { suggestion }) }
}
