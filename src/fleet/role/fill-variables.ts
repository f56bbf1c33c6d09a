import { closest, problemAt, type Path, type Problem, type SourceDocument } from '../../core/index.ts'

/** Texts that are taken as they are: what stands in a file may be somebody else's template. */
export const literalKeys: ReadonlySet<string> = new Set(['content', 'inline', 'description'])

/**
 * A document in which `{{name}}` stands for a variable. Where a text is nothing else, the value takes its place, list or
 * number or text; within a text it is a part of it. What is not there, and what is no text within one, is a problem there.
 */
export function fillVariables(
  document: SourceDocument,
  variables: Readonly<Record<string, unknown>>,
): { document: SourceDocument; problems: Problem[] } {
  const problems: Problem[] = []
  const fill = (value: unknown, path: Path): unknown => {
    if (typeof value === 'string') return value.includes('{{') ? fillText(value, path) : value
    if (Array.isArray(value)) return value.map((item: unknown, index) => fill(item, [...path, index]))
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, literalKeys.has(key) ? item : fill(item, [...path, key])]),
    )
  }
  const valueOf = (name: string, path: Path): unknown => {
    // null: the machine has to say it, which is told where its role is named.
    if (Object.hasOwn(variables, name)) return variables[name] ?? ''
    const suggestion = closest(name, Object.keys(variables))
    const expected = 'a name of `variables:`, of the role or of the machine'
    const message = `there is no variable ${JSON.stringify(name)}`
    problems.push(problemAt(document, path, { message, expected, ...(suggestion === undefined ? {} : { suggestion }) }))
    return ''
  }
  const fillText = (text: string, path: Path): unknown => {
    const [, whole] = /^\{\{\s*([A-Za-z_]\w*)\s*\}\}$/.exec(text) ?? []
    if (whole !== undefined) return valueOf(whole, path)
    return text.replace(/\{\{\s*([A-Za-z_]\w*)\s*\}\}/g, (_all, name: string) => {
      const value = valueOf(name, path)
      if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return String(value)
      const message = `the variable ${JSON.stringify(name)} is ${Array.isArray(value) ? 'a list' : 'no text'}`
      problems.push(problemAt(document, path, { message, expected: 'a text or a number within a text' }))
      return ''
    })
  }
  return { document: { ...document, value: fill(document.value, []) }, problems }
}
