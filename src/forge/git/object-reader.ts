import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { LarderError } from '../../core/index.ts'
import { BatchAnswers } from './batch-answer.ts'
import { gitEnvironment } from './git-environment.ts'
import { missingContents } from './missing-contents.ts'
import { gitMissing, killGroup, safeguards } from './run-git.ts'

interface Waiting {
  objectId: string
  resolve: (content: Buffer) => void
  reject: (error: Error) => void
}

/**
 * Reads blobs through one `git cat-file --batch` process, started at the first read and ended when nothing was
 * read for `idleMs`, so that a reader which is forgotten holds no process.
 */
export class ObjectReader {
  readonly #repository: string
  readonly #environment: Readonly<Record<string, string>>
  readonly #idleMs: number
  #child: ChildProcessWithoutNullStreams | undefined
  #idle: NodeJS.Timeout | undefined
  #waiting: Waiting[] = []

  constructor(repository: string, environment: Readonly<Record<string, string>>, idleMs = 2_000) {
    this.#repository = repository
    this.#environment = environment
    this.#idleMs = idleMs
  }

  /** Content of a blob by its full id. GIT_FAILED, TOOL_MISSING; of what is fetched only now GIT_COMMIT_GONE, FORGE_UNREACHABLE. */
  read(objectId: string): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      clearTimeout(this.#idle)
      this.#child ??= this.#start()
      this.#waiting.push({ objectId, resolve, reject })
      this.#child.stdin.write(`${objectId}\n`)
    })
  }

  /** What is being read is rejected with CANCELLED. */
  close(): void {
    this.#stop(new LarderError('CANCELLED', { message: 'The reader of the site repository was closed.' }))
  }

  #start(): ChildProcessWithoutNullStreams {
    const child = spawn('git', [`--git-dir=${this.#repository}`, ...safeguards, 'cat-file', '--batch'], {
      env: gitEnvironment(this.#environment),
      detached: true,
    })
    const answers = new BatchAnswers()
    const stop = (error: LarderError): void => {
      if (this.#child === child) this.#stop(error)
    }
    child.on('error', (error) => {
      stop(gitMissing(error))
    })
    child.on('close', (code) => {
      stop(missingContents(complaint) ?? failed(`git cat-file ended with ${code}: ${complaint.split('\n')[0] ?? ''}`))
    })
    // Told by 'close' too.
    child.stdin.on('error', () => {})
    let complaint = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint = (complaint + text).slice(0, 4000)))
    child.stdout.on('data', (chunk: Buffer) => {
      answers.push(chunk)
      while (this.#child === child && this.#settleNext(answers));
    })
    return child
  }

  #settleNext(answers: BatchAnswers): boolean {
    const [next] = this.#waiting
    const answer = next && answers.take()
    if (!next || !answer) return false
    if (answer.objectId !== next.objectId || answer.type !== 'blob') {
      this.#stop(failed(`object ${next.objectId} is missing, or no file (${answer.type})`))
      return false
    }
    this.#waiting.shift()
    next.resolve(answer.content)
    if (this.#waiting.length === 0) {
      this.#idle = setTimeout(() => {
        this.#stop(undefined)
      }, this.#idleMs).unref()
    }
    return true
  }

  #stop(error: LarderError | undefined): void {
    clearTimeout(this.#idle)
    const child = this.#child
    const disappointed = this.#waiting
    this.#child = undefined
    this.#waiting = []
    killGroup(child?.pid, 'SIGKILL')
    for (const waiting of disappointed) waiting.reject(error ?? failed('it was closed'))
  }
}

function failed(message: string): LarderError {
  return new LarderError('GIT_FAILED', { message: `Reading the site repository: ${message}.` })
}
