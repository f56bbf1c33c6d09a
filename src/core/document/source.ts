import type { Problem } from '../problem.ts'

/** 1-based line and column; columns count UTF-16 units, as editors do. */
export interface Position {
  line: number
  column: number
}

/** The text of a file, and where in it an offset is. */
export interface Source {
  readonly file: string
  /** Without byte order mark. */
  readonly text: string
  positionAt(offset: number): Position
}

export function createSource(text: string, file: string): Source {
  const withoutMark = text.startsWith('\ufeff') ? text.slice(1) : text
  let starts: number[] | undefined
  return {
    file,
    text: withoutMark,
    positionAt: (offset) => {
      starts ??= lineStarts(withoutMark)
      return positionIn(starts, Math.min(Math.max(0, offset), withoutMark.length))
    },
  }
}

/** Decodes a file as UTF-8, or says why that is not possible. `limitBytes`: largest size that is read. */
export function decodeSource(bytes: Uint8Array, file: string, limitBytes: number): Source | Problem {
  if (bytes.length > limitBytes) {
    const message = `the file has ${bytes.length} bytes`
    return { severity: 'error', file, line: 1, column: 1, message, expected: `at most ${limitBytes} bytes` }
  }
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) {
    const message = 'the file is encoded in UTF-16'
    return { severity: 'error', file, line: 1, column: 1, message, expected: 'UTF-8: save it again in that encoding' }
  }
  try {
    return createSource(new TextDecoder('utf-8', { fatal: true }).decode(bytes), file)
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    return notUtf8(bytes, file)
  }
}

export function isProblem(result: Source | Problem): result is Problem {
  return 'severity' in result
}

/** Where the text stops to be UTF-8: the first character that decoding had to replace. */
function notUtf8(bytes: Uint8Array, file: string): Problem {
  const source = createSource(new TextDecoder('utf-8').decode(bytes), file)
  const position = source.positionAt(Math.max(0, source.text.indexOf('\ufffd')))
  return { severity: 'error', file, ...position, message: 'the bytes here are not UTF-8', expected: 'text in UTF-8' }
}

function lineStarts(text: string): number[] {
  const starts = [0]
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  return starts
}

function positionIn(starts: readonly number[], offset: number): Position {
  let low = 0
  let high = starts.length - 1
  while (low < high) {
    const middle = (low + high + 1) >>> 1
    if (starts[middle]! <= offset) low = middle
    else high = middle - 1
  }
  return { line: low + 1, column: offset - starts[low]! + 1 }
}
