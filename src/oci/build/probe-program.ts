import { isLarderError } from '../../core/index.ts'
import type { BuilderState } from './image-builder.ts'
import { runEngine } from './run-engine.ts'

/** An engine that does not answer within this cannot build either. */
const longestAnswerMs = 20_000

export interface ProbeOptions {
  /** Of Debian, which brings the program. */
  package: string
  /** What it says its version is, as the first group. */
  version: RegExp
  environment?: Readonly<Record<string, string>>
}

/** Asks a program for its version. */
export async function probeProgram(
  program: string,
  args: readonly string[],
  { package: packageName, version: form, environment = {} }: ProbeOptions,
): Promise<BuilderState> {
  const lines: string[] = []
  const { signal } = new AbortController()
  const onLine = (line: string): void => {
    lines.push(line.trim())
  }
  try {
    const full = { PATH: enginePath, LC_ALL: 'C.UTF-8', HOME: '/nonexistent', ...environment }
    const options = { environment: full, timeoutMs: longestAnswerMs, signal, package: packageName, onLine }
    await runEngine(program, args, options)
  } catch (error) {
    if (!isLarderError(error) || !['BUILD_ENGINE_MISSING', 'BUILD_TIMEOUT'].includes(error.code)) throw error
    const isMissing = error.code === 'BUILD_ENGINE_MISSING'
    const reason = isMissing ? error.message : `${program} does not answer.`
    return { usable: false, isInstalled: !isMissing, reason, hint: error.hint ?? '' }
  }
  const said = lines.filter((line) => line !== '').join(' ')
  const version = form.exec(said)?.[1]
  if (version !== undefined) return { usable: true, version }
  return { usable: false, isInstalled: true, reason: `${program} cannot be used: ${said.slice(0, 300)}`, hint: '' }
}

/** Whether it says that this user may not speak to its daemon. */
export function isRefused(state: BuilderState): boolean {
  return !state.usable && /permission denied/i.test(state.reason)
}

/** Where engines look for programs: what this process was started with has no say. */
export const enginePath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
