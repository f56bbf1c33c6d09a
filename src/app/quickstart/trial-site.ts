import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa, type Options } from 'execa'
import { LarderError } from '../../core/index.ts'

export interface TrialSite {
  folder: string
  /** Writes packages.json, commits and pushes; answers what the controller said to the pusher. */
  push(packages: readonly string[], message: string): Promise<string[]>
}

export interface TrialSiteOptions {
  folder: string
  /** Address of the controller. */
  url: string
  token: string
  suite: string
  architecture: string
}

/** A working copy of the controller's site repository, as a user would have it; what an interrupted trial left is taken up. */
export async function createTrialSite(options: TrialSiteOptions): Promise<TrialSite> {
  const { folder, url, token } = options
  await mkdir(folder, { recursive: true })
  const git = createGit(folder, token)
  await git(['init', '--quiet', '--initial-branch=main'])
  await git(['config', 'remote.larder.url', `${url}/git/site.git`])
  await git(['config', 'remote.larder.fetch', '+refs/heads/*:refs/remotes/larder/*'])
  await writeFile(join(folder, 'larder.yaml'), larderYaml(options))
  return {
    folder,
    async push(packages, message) {
      await writeFile(join(folder, 'packages.json'), `${JSON.stringify(packages, undefined, 2)}\n`)
      await git(['add', '--', 'larder.yaml', 'packages.json'])
      await git(['commit', '--quiet', '--allow-empty', '--message', message])
      const said = await git(['push', '--quiet', 'larder', 'HEAD:refs/heads/main'])
      return said.split('\n').flatMap((line) => /^remote: (.*)$/.exec(line.trimEnd())?.slice(1) ?? [])
    },
  }
}

function larderYaml({ suite, architecture }: TrialSiteOptions): string {
  return `# Made by larder quickstart. docs/site-files.md explains every key.
site: quickstart
upstreams:
  debian: { format: apt, from: system }
mirrors:
  base:
    format: apt
    upstreams: [debian]
    suite: ${suite}
    components: [main]
    architectures: [${architecture}]
    packages: packages.json
`
}

/** Git without the user's own settings; the token goes by the environment, so that no process list shows it. */
function createGit(folder: string, token: string): (args: string[]) => Promise<string> {
  const credentials = Buffer.from(`admin:${token}`).toString('base64')
  const env = {
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: 'http.extraHeader',
    GIT_CONFIG_VALUE_0: `Authorization: Basic ${credentials}`,
    GIT_AUTHOR_NAME: 'Larder quickstart',
    GIT_AUTHOR_EMAIL: 'quickstart@larder.invalid',
    GIT_COMMITTER_NAME: 'Larder quickstart',
    GIT_COMMITTER_EMAIL: 'quickstart@larder.invalid',
    no_proxy: '127.0.0.1',
  }
  const settings = { cwd: folder, env, all: true, reject: false, timeout: 300_000, stdin: 'ignore' } satisfies Options
  return async (args) => {
    const result = await execa('git', args, settings)
    if (result.exitCode === 0) return result.all
    throw new LarderError('GIT_FAILED', { message: `git ${args[0] ?? ''} failed:\n${result.all}` })
  }
}
