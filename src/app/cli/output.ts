import type Table from 'cli-table3'
import { lazyPackage, plainText } from '../../core/index.ts'

/** Where a command prints. Data goes to `out`, everything said beside it to `err`. What strangers write gives a terminal no orders. */
export interface Output {
  readonly json: boolean
  readonly color: boolean
  /** For people; nothing is printed when `--json` is given. */
  line: (text?: string) => void
  /** The answer for programs: one JSON document, printed only when `--json` is given. */
  data: (value: unknown) => void
  table: (head: readonly string[], rows: readonly (readonly (string | number)[])[]) => void
  /** Beside the answer: progress, warnings. Always to standard error. */
  note: (text: string) => void
}

interface Streams {
  out: NodeJS.WritableStream & { isTTY?: boolean }
  err: NodeJS.WritableStream & { isTTY?: boolean }
}

/** Colour only on a terminal, and never when NO_COLOR is set. */
export function createOutput(options: { json: boolean; noColor: boolean } & Streams): Output {
  const { json, out, err } = options
  const color = out.isTTY === true && !options.noColor
  return {
    json,
    color,
    line: (text = '') => {
      if (!json) out.write(`${plainText(text)}\n`)
    },
    data: (value) => {
      if (json) out.write(`${JSON.stringify(value)}\n`)
    },
    table: (head, rows) => {
      if (!json) out.write(`${renderTable(head, rows, color)}\n`)
    },
    note: (text) => {
      err.write(`${plainText(text)}\n`)
    },
  }
}

const bare = { top: '', 'top-mid': '', 'top-left': '', 'top-right': '', bottom: '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '', left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '', middle: '  ' } // prettier-ignore

const tables = lazyPackage((require) => require('cli-table3') as typeof Table)

function renderTable(head: readonly string[], rows: readonly (readonly (string | number)[])[], color: boolean): string {
  const style = { head: color ? ['bold'] : [], border: [], 'padding-left': 0, 'padding-right': 0 }
  const table = new (tables())({ head: [...head], chars: bare, style, colAligns: alignments(rows) })
  table.push(...rows.map((row) => row.map((cell) => plainText(String(cell)))))
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '')
    .join('\n')
}

function alignments(rows: readonly (readonly (string | number)[])[]): ('left' | 'right')[] {
  return (rows[0] ?? []).map((cell) => (typeof cell === 'number' ? 'right' : 'left'))
}
