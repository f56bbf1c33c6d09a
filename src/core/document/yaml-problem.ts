import type { YAMLError } from 'yaml'
import type { Problem } from '../problem.ts'
import type { Source } from './source.ts'

/** What the YAML library found, in words for people; one for each line, since the rest follows from the first. */
export function yamlProblems(source: Source, errors: readonly YAMLError[]): Problem[] {
  const problems = new Map<number, Problem>()
  for (const error of errors) {
    const position = source.positionAt(error.pos[0])
    if (problems.has(position.line) || problems.size >= mostProblems) continue
    problems.set(position.line, {
      severity: 'error',
      file: source.file,
      ...position,
      ...inPlainWords(error, source.text),
    })
  }
  return [...problems.values()]
}

const mostProblems = 100

interface Wording {
  message: string
  expected?: string
}

function inPlainWords(error: YAMLError, text: string): Wording {
  const at = text.charAt(error.pos[0])
  switch (error.code) {
    case 'TAB_AS_INDENT':
      return { message: 'a tab at the beginning of the line', expected: 'blanks: YAML is not indented with tabs' }
    case 'MULTIPLE_DOCS':
      return { message: 'a second document begins here', expected: 'one document: no --- within the file' }
    case 'BAD_SCALAR_START':
      return { message: `a value that begins with ${at}`, expected: 'quotes around it' }
    case 'BLOCK_AS_IMPLICIT_KEY':
      return { message: 'a second colon in one line', expected: 'quotes around the value, or a new line' }
    case 'MULTILINE_IMPLICIT_KEY':
      return missingColon(text, error.pos[0])
    case 'BAD_INDENT':
      return wrongIndent(error.message)
    case 'NON_STRING_KEY':
      return { message: 'a name that is no plain text', expected: 'a word before the colon' }
    case 'TAG_RESOLVE_FAILED':
      return { message: 'a tag (!)', expected: 'a value without a tag, or quotes around it' }
    case 'BAD_DQ_ESCAPE':
      return { message: 'a backslash that begins no escape', expected: 'two backslashes, or single quotes' }
    case 'MISSING_CHAR':
      return /quote/.test(error.message)
        ? { message: 'text that is not closed', expected: 'a closing quote' }
        : { message: lowerFirst(error.message) }
    case 'RESOURCE_EXHAUSTION':
      return { message: 'nested too deeply' }
    case 'KEY_OVER_1024_CHARS':
      return { message: 'a name of more than 1024 characters' }
    case 'UNEXPECTED_TOKEN':
      return unexpected(error.message, at)
    default:
      return { message: lowerFirst(error.message) }
  }
}

function missingColon(text: string, offset: number): Wording {
  const line = text.slice(offset, lineEnd(text, offset))
  const tight = /^([\w.-]+):(?=\S)/.exec(line)
  if (tight) return { message: `no blank after "${tight[1] ?? ''}:"`, expected: 'a blank after the colon' }
  return { message: 'a line that is neither a name with a colon nor an entry of a list', expected: 'name: value' }
}

function wrongIndent(message: string): Wording {
  if (message.startsWith('Flow')) {
    const closing = message.endsWith('}') ? '}' : ']'
    return { message: `a list or map in brackets is not closed before this`, expected: `a ${closing} before it` }
  }
  return { message: 'this line begins in another column than those it belongs to', expected: 'the same indentation' }
}

function unexpected(message: string, at: string): Wording {
  if (/^\S$/.test(at)) return { message: `unexpected ${at} here` }
  return { message: lowerFirst(message) }
}

function lowerFirst(message: string): string {
  return message.charAt(0).toLowerCase() + message.slice(1)
}

function lineEnd(text: string, offset: number): number {
  const end = text.indexOf('\n', offset)
  return end === -1 ? text.length : end
}
