// What demos share: a site repository that is pushed to a controller, and what is told of it.
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { execa } from 'execa'
import type { RunningController } from '../src/app/controller-process.ts'

export function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

export function expectEqual(what: string, found: unknown, expected: unknown): void {
  if (found !== expected) throw new Error(`${what}: ${JSON.stringify(found)}, expected ${JSON.stringify(expected)}`)
  say(`          ${what}: ${JSON.stringify(found)}`)
}

/** A clone of the built-in repository. */
export interface PushedSite {
  /** Writes files, by path. */
  write(files: Readonly<Record<string, string>>): Promise<void>
  /** Commits all and pushes it to a branch; answers what the controller said. */
  push(message: string, branch?: string): Promise<string>
  /** Until the newest run is over. Throws what it failed with. */
  finished(): Promise<void>
}

export async function openPushedSite(folder: string, { url, token, larder }: RunningController): Promise<PushedSite> {
  await mkdir(folder, { recursive: true })
  const env = { GIT_CONFIG_GLOBAL: '/dev/null', GIT_TERMINAL_PROMPT: '0' }
  const git = (...args: string[]) =>
    execa('git', ['-c', 'user.name=Demo', '-c', 'user.email=demo@example.org', ...args], { cwd: folder, env })
  const address = url.replace('0.0.0.0', '127.0.0.1').replace('//', `//admin:${token}@`)
  await git('init', '--quiet', '--initial-branch=main')
  await git('remote', 'add', 'larder', `${address}/git/site.git`)
  return {
    async write(files) {
      for (const [path, text] of Object.entries(files)) {
        await mkdir(dirname(join(folder, path)), { recursive: true })
        await writeFile(join(folder, path), text)
      }
    },
    async push(message, branch = 'main') {
      await git('add', '--all')
      await git('commit', '--quiet', '--allow-empty', `--message=${message}`)
      return (await git('push', '--quiet', 'larder', `HEAD:${branch}`)).stderr
    },
    async finished() {
      for (let waited = 0; waited < 12_000; waited++) {
        const [run] = await larder.controller.runs({ limit: 1 })
        if (run?.state === 'succeeded') return
        if (run?.state === 'failed') throw new Error(`The run failed: ${run.error?.message ?? ''}`)
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
      throw new Error('The run does not end.')
    },
  }
}
