import { mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { execa } from 'execa'

export interface PushResult {
  accepted: boolean
  /** What the controller told the pusher, line by line. */
  remote: string[]
  output: string
}

/** A working copy of a site repository, handled by the real git. */
export interface SiteClone {
  readonly folder: string
  /** Contents by path; undefined removes the file. Commits; answers the commit. */
  commit(files: Readonly<Record<string, string | undefined>>, message?: string): Promise<string>
  /** Pushes HEAD. Default branch: main. */
  push(target: { url: string; token: string }, branch?: string): Promise<PushResult>
  git(...args: string[]): Promise<string>
}

export async function createSiteClone(folder: string): Promise<SiteClone> {
  await mkdir(folder, { recursive: true })
  const run = async (args: readonly string[], extra: Record<string, string> = {}) =>
    execa('git', args, {
      cwd: folder,
      env: { ...environment, ...extra },
      all: true,
      reject: false,
      stdin: 'ignore',
      timeout: 180_000,
    })
  const git = async (...args: string[]): Promise<string> => {
    const result = await run(args)
    if (result.exitCode !== 0) throw new Error(`git ${args.join(' ')} failed:\n${result.all}`)
    return result.stdout
  }
  await git('init', '--quiet', '--initial-branch=main')
  return {
    folder,
    git,
    async commit(files, message = 'change') {
      for (const [path, text] of Object.entries(files)) {
        await mkdir(dirname(join(folder, path)), { recursive: true })
        if (text === undefined) await rm(join(folder, path))
        else await writeFile(join(folder, path), text)
      }
      await git('add', '--all')
      await git('commit', '--quiet', '--allow-empty', '--message', message)
      return git('rev-parse', 'HEAD')
    },
    async push({ url, token }, branch = 'main') {
      const credentials = Buffer.from(`admin:${token}`).toString('base64')
      const header = {
        GIT_CONFIG_COUNT: '1',
        GIT_CONFIG_KEY_0: 'http.extraHeader',
        GIT_CONFIG_VALUE_0: `Authorization: Basic ${credentials}`,
      }
      const result = await run(['push', '--force', `${url}/git/site.git`, `HEAD:refs/heads/${branch}`], header)
      const remote = result.all.split('\n').flatMap((line) => /^remote: (.*)$/.exec(line.trimEnd())?.slice(1) ?? [])
      return { accepted: result.exitCode === 0, remote, output: result.all }
    },
  }
}

const environment = {
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_TERMINAL_PROMPT: '0',
  GIT_AUTHOR_NAME: 'Test',
  GIT_AUTHOR_EMAIL: 'test@example.org',
  GIT_COMMITTER_NAME: 'Test',
  GIT_COMMITTER_EMAIL: 'test@example.org',
  no_proxy: '127.0.0.1',
  LC_ALL: 'C',
}
