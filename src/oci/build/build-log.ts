import { LarderError } from '../../core/index.ts'
import type { Dockerfile, Instruction } from './dockerfile.ts'

/** Lines that an error repeats. */
const lastLines = 20

/** Longer lines are cut, in characters: an engine is given what strangers print. */
export const longestLine = 4000

export interface BuildLogOptions {
  log: (line: string) => void
  /** What is logged beyond is left out, with a note. */
  logBytes: number
  /** Takes secrets out of a line. Default: there are none. */
  mask?: ((line: string) => string) | undefined
}

/**
 * What a build says, passed on up to a limit, and how far it has come in the Dockerfile: engines announce each step by
 * its instruction (`STEP 2/4: COPY a b`, `Step 2/4 : COPY a b`).
 */
export class BuildLog {
  readonly #dockerfile: Dockerfile
  readonly #log: (line: string) => void
  readonly #mask: (line: string) => string
  #leftBytes: number
  #current: Instruction | undefined
  readonly #last: string[] = []
  /** The engine's own last word, where it is told from what the build says. */
  #verdict: string | undefined

  constructor(dockerfile: Dockerfile, { log, logBytes, mask = (line) => line }: BuildLogOptions) {
    this.#dockerfile = dockerfile
    this.#log = log
    this.#leftBytes = logBytes
    this.#mask = mask
  }

  add(line: string, isVerdict = false): void {
    if (isVerdict && !isOfEngine(line)) this.#verdict = line
    const step = /^(?:\[\d+\/\d+\] )?STEP \d+\/\d+ ?: ([A-Za-z]+) ?([\s\S]*)$/i.exec(line)
    if (step !== null) this.#current = this.#find(step[1] ?? '', step[2] ?? '') ?? this.#current
    this.#last.push(line)
    if (this.#last.length > lastLines) this.#last.shift()
    if (this.#leftBytes <= 0) return
    this.#leftBytes -= Buffer.byteLength(line) + 1
    this.#log(this.#leftBytes <= 0 ? '… what the build says from here on is left out' : this.#mask(line))
  }

  /** BuildKit tells steps by their numbers, and a failure by its line. */
  reach(line: number): void {
    this.#current = this.#dockerfile.instructions.findLast((one) => one.line <= line) ?? this.#current
  }

  /** Where the build is. */
  place(): { line: number; keyword: string; instruction: string } {
    const { line, keyword, text } = this.#current ?? firstOf(this.#dockerfile)
    return { line, keyword, instruction: this.#mask(`${keyword} ${text}`).slice(0, 1000) }
  }

  /** What was said last, without what engines say of themselves. */
  lastLines(): string[] {
    return this.#last.filter((one) => !isOfEngine(one)).map((one) => this.#mask(one))
  }

  /** Names the line that failed, and why. An engine that gave no reason has itself ended. */
  failure(path: string, exitCode: number): LarderError {
    const { line, keyword, instruction } = this.place()
    const reason = isEngineGone(this.#last, exitCode) ? undefined : this.#reason()
    const where = `${path}:${line}: ${instruction.slice(0, 200)}`
    const status = /ended with status (\d+)/.exec(reason ?? '')?.[1]
    const context = {
      dockerfile: path,
      line,
      instruction,
      exitCode: status === undefined ? exitCode : Number(status),
      lastLines: this.lastLines(),
    }
    if (reason === undefined) {
      const message = `What builds images ended in the middle, with status ${exitCode}, at ${where}.`
      return new LarderError('BUILD_ENGINE_FAILED', { message, hint: 'The log of the run has what it said.', context })
    }
    const why = this.#mask(reason)
    if (keyword === 'FROM' && isPassing(reason)) {
      const hint = 'The build is tried again; look whether the registry that it names can be reached from here.'
      return new LarderError('BUILD_BASE_UNREACHABLE', { message: `${where}: ${why}.`, hint, context })
    }
    const hint = 'The log of the run has all that the build said.'
    return new LarderError('BUILD_FAILED', { message: `${where}: ${why}.`, hint, context })
  }

  #reason(): string | undefined {
    const told = this.#verdict
    return told === undefined ? reasonIn(this.#last) : (reasonIn([told]) ?? told.slice(0, longestReason))
  }

  /** The next one that reads so; engines repeat instructions with blanks joined and lists rewritten. */
  #find(keyword: string, text: string): Instruction | undefined {
    const { instructions } = this.#dockerfile
    const start = this.#current === undefined ? 0 : instructions.indexOf(this.#current)
    const later = instructions.slice(start).filter((one) => one.keyword === keyword.toUpperCase())
    const wanted = essence(text)
    return (
      later.find((one) => one !== this.#current && essence(one.text) === wanted) ??
      later.find((one) => one !== this.#current)
    )
  }
}

function firstOf({ instructions }: Dockerfile): Pick<Instruction, 'line' | 'keyword' | 'text'> {
  return instructions.find(({ keyword }) => keyword === 'FROM') ?? { line: 1, keyword: 'FROM', text: '' }
}

function essence(text: string): string {
  return text.replaceAll(/[\s"'[\],]+/g, '')
}

/** What an engine gives as its reason, without what Larder says itself. */
function reasonIn(lines: readonly string[]): string | undefined {
  for (const line of lines.toReversed()) {
    for (const [form, reason] of reasons) {
      const found = form.exec(line)
      if (found !== null) return reason(found[1] ?? '').slice(0, longestReason)
    }
  }
  return undefined
}

function isEngineGone(lines: readonly string[], exitCode: number): boolean {
  const seemsGone = lines.some((line) => engineIsGone.test(line)) || exitCode >= killedStatus
  return seemsGone && !lines.some((line) => verdict.test(line))
}

const longestReason = 500

/** Of a program that a signal has ended. */
const killedStatus = 128

/** What an engine says when an instruction has failed, whatever that has said itself. */
const verdict =
  /^(?:Error: building at STEP|The command '.*' returned a non-zero code|(?:COPY|ADD) failed: |error: failed to solve: (?!.*rpc error: code = Unavailable))/

/**
 * buildctl, when its daemon ends or cannot be reached; a Dockerfile that fails is `failed to solve`. Docker's client, when
 * the engine ends: it gives no verdict then.
 */
const engineIsGone =
  /^(?:error: (?:failed to receive status|failed to list workers|.*rpc error: code = Unavailable)|unexpected EOF$|error during connect: |Cannot connect to the Docker daemon)/

const asStatus = (text: string): string => text.replace(/^exit (?:status|code:?) /, 'it ended with status ')

/** buildah, Docker's classic builder, BuildKit. */
const reasons: readonly [RegExp, (found: string) => string][] = [
  [/^Error: building at STEP ".*": (?:while running runtime: )?(.*)$/i, asStatus],
  [/^The command '.*' returned a non-zero code: (\d+)$/, (code) => `it ended with status ${code}`],
  [/did not complete successfully: (exit code: \d+)/, asStatus],
  [/^(?:Error response from daemon: )?((?:COPY|ADD) failed: .*)$/, (text) => text],
  [/^(?:Error response from daemon|failed to solve|Error|error): (.*)$/, (text) => text],
]

function isOfEngine(line: string): boolean {
  return /^(?:subprocess exited|time=|level=|Error: building at STEP|DEPRECATED: |\s*$)/.test(line)
}

/** Of the network, or of a server that will be well again. */
function isPassing(reason: string): boolean {
  return /dial tcp|connection re(?:fused|set)|i\/o timeout|no such host|handshake timeout|unexpected EOF|\b50[0234]\b|Too Many Requests/i.test(
    reason,
  )
}
