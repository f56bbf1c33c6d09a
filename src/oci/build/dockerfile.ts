import { LarderError } from '../../core/index.ts'

/** One instruction of a Dockerfile. */
export interface Instruction {
  /** In capitals. */
  keyword: string
  /** What follows it, continued lines joined by a blank, comments left out. */
  text: string
  /** 1-based: where it begins. */
  line: number
  /** 0-based; -1 for the ARGs before the first FROM. */
  stage: number
}

export interface Stage {
  /** What FROM names: an image, an earlier stage, `scratch`; variables as they are written. */
  base: string
  name: string | undefined
  /** What `--platform=` says, as it is written. */
  platform: string | undefined
  line: number
}

export interface Dockerfile {
  instructions: readonly Instruction[]
  stages: readonly Stage[]
}

const keywords = new Set(
  'ADD ARG CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK LABEL MAINTAINER ONBUILD RUN SHELL STOPSIGNAL USER VOLUME WORKDIR'.split(
    ' ',
  ),
)

/** Nobody writes such by hand. */
export const largestDockerfileBytes = 1_048_576

/**
 * Reads a Dockerfile as far as Larder has to understand it: which instruction is in which line, and what it is built
 * upon. Source: Dockerfile reference ("Format", "Parser directives", "Here-documents"). DOCKERFILE_INVALID with the line.
 */
export function parseDockerfile(text: string, path: string): Dockerfile {
  if (text.length > largestDockerfileBytes) throw invalid(path, 1, 'it is larger than 1 MiB')
  const lines = text.replace(/^\ufeff/, '').split(/\r?\n/)
  const escape = escapeOf(lines)
  const instructions: Instruction[] = []
  const stages: Stage[] = []
  for (let index = 0; index < lines.length;) {
    const read = readInstruction(lines, index, escape)
    index = read.next
    if (read.text === '') continue
    const instruction = instructionOf(read, { path, stage: stages.length - 1 })
    if (instruction.keyword === 'FROM') stages.push(stageOf(instruction, path))
    else if (stages.length === 0 && instruction.keyword !== 'ARG') {
      throw invalid(path, instruction.line, `${instruction.keyword} stands before the first FROM`)
    }
    instructions.push({ ...instruction, stage: stages.length - 1 })
  }
  if (stages.length === 0) throw invalid(path, 1, 'it has no FROM')
  return { instructions, stages }
}

/** `# escape=` as the first lines: the character that continues a line. */
function escapeOf(lines: readonly string[]): string {
  for (const line of lines) {
    const [, key, value] = /^#\s*([A-Za-z]+)\s*=\s*(\S+)\s*$/.exec(line.trim()) ?? []
    if (key === undefined) break
    if (key.toLowerCase() === 'escape') return value === '`' ? '`' : '\\'
  }
  return '\\'
}

interface ReadInstruction {
  text: string
  line: number
  /** Index of the line after it. */
  next: number
}

function readInstruction(lines: readonly string[], start: number, escape: string): ReadInstruction {
  const parts: string[] = []
  let index = start
  let first = -1
  for (; index < lines.length; index++) {
    const line = lines[index]!.trim()
    // Comments and empty lines may stand within an instruction, too.
    if (line === '' || line.startsWith('#')) {
      if (first < 0) return { text: '', line: index + 1, next: index + 1 }
      continue
    }
    if (first < 0) first = index
    const isContinued = line.endsWith(escape)
    parts.push(isContinued ? line.slice(0, -1).trim() : line)
    if (!isContinued) {
      index++
      break
    }
  }
  const text = parts.join(' ').trim()
  return { text, line: first + 1, next: afterHeredocs(lines, index, text) }
}

/** Only of what takes them: `<<` within quotes of a CMD begins nothing. */
function afterHeredocs(lines: readonly string[], index: number, text: string): number {
  if (!/^(?:RUN|COPY|ADD)\s/i.test(text) || /^RUN\s+\[/i.test(text)) return index
  let next = index
  for (const [, dash, word] of text.matchAll(/(?:^|\s)\d*<<(-?)["']?([A-Za-z_][A-Za-z0-9_.]*)["']?/g)) {
    while (next < lines.length && (dash === '-' ? lines[next]!.replace(/^\t+/, '') : lines[next]) !== word) next++
    next = Math.min(next + 1, lines.length)
  }
  return next
}

function instructionOf(read: ReadInstruction, { path, stage }: { path: string; stage: number }): Instruction {
  const [, keyword = '', text = ''] = /^([A-Za-z]+)(?:\s+([\s\S]*))?$/.exec(read.text) ?? []
  const upper = keyword.toUpperCase()
  if (!keywords.has(upper)) {
    throw invalid(path, read.line, `${JSON.stringify(read.text.split(/\s/)[0]?.slice(0, 40))} is no instruction`)
  }
  if (text === '') throw invalid(path, read.line, `${upper} says nothing`)
  return { keyword: upper, text, line: read.line, stage }
}

function stageOf({ text, line }: Instruction, path: string): Stage {
  const written = text.split(/\s+/)
  const words = written.filter((word) => !word.startsWith('--'))
  const [base = '', as, name] = words
  const isNamed = words.length === 3 && as?.toLowerCase() === 'as'
  if (base === '' || (words.length !== 1 && !isNamed)) {
    throw invalid(path, line, 'FROM names an image, and perhaps AS and the name of the stage')
  }
  const platform = written.find((word) => word.startsWith(platformFlag))?.slice(platformFlag.length)
  return { base, name: isNamed ? name?.toLowerCase() : undefined, platform, line }
}

const platformFlag = '--platform='

function invalid(path: string, line: number, why: string): LarderError {
  return new LarderError('DOCKERFILE_INVALID', {
    message: `${path}:${line}: ${why}.`,
    hint: 'See the reference of the Dockerfile for the instructions that there are.',
    context: { dockerfile: path, line },
  })
}
