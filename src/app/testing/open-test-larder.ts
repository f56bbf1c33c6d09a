import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { startUpstream, type SuiteOptions, type Upstream } from '../../../test/fixtures/upstream/index.ts'
import { systemClock } from '../../core/index.ts'
import { dataFolderAt, type DataFolder } from '../data-folder.ts'
import { openLarder, type Larder } from '../open-larder.ts'

const run = promisify(execFile)

/** A Larder in this process, on a folder of its own, whose one mirror `base` comes from an upstream on the loopback. */
export interface TestLarder extends AsyncDisposable {
  larder: Larder
  readonly dataFolder: DataFolder
  /** The working copy that commits are made in. */
  readonly clone: string
  readonly upstream: Upstream
  /** How far the clock of this Larder is from the real one. */
  clockOffsetMs: number
  /** What doctor sees; PATH decides which tools there are. */
  readonly environment: NodeJS.ProcessEnv
  /** Puts a commit on main, past every check, and applies it when it is to be. */
  commit(files: Readonly<Record<string, string>>, options?: { apply: boolean }): Promise<void>
  /** Waits until no run works or waits. */
  settle(): Promise<void>
  /** Closes it and opens it again. `work`: what happens in between. */
  reopen(work?: () => Promise<void>): Promise<void>
}

export interface TestLarderOptions {
  suite?: Partial<SuiteOptions>
  /** Further keys of the mirror, as YAML in braces: `validDays: 1`. */
  mirror?: string
}

export async function openTestLarder(options: TestLarderOptions = {}): Promise<TestLarder> {
  const folder = await mkdtemp(join(tmpdir(), 'larder-doctor-'))
  const packages = ['alpha', 'beta'].map((name) => ({ name, version: '1.0' }))
  const upstream = await startUpstream({ suites: [{ suite: 'stable', packages, ...options.suite }] })
  const dataFolder = dataFolderAt(join(folder, 'data'), {})
  const environment: NodeJS.ProcessEnv = { PATH: process.env['PATH'] }
  const open = (): Promise<Larder> => openLarder({ dataFolder, clock, logLevel: 'error', environment })
  const clock = { ...systemClock, now: () => new Date(Date.now() + self.clockOffsetMs) }
  const self: TestLarder = {
    larder: undefined as unknown as Larder,
    dataFolder,
    clone: join(folder, 'site'),
    upstream,
    clockOffsetMs: 0,
    environment,
    async commit(files, { apply } = { apply: true }) {
      const commit = await commitTo(dataFolder.siteRepository, self.clone, files)
      if (!apply) return
      await self.larder.context.runs.create({ branch: 'main', commit, goal: 'apply', origin: 'test' })
      self.larder.context.runner.wake()
      await self.settle()
    },
    settle: () => self.larder.context.runner.idle(),
    async reopen(work) {
      await self.larder.close()
      await work?.()
      self.larder = await open()
    },
    async [Symbol.asyncDispose]() {
      await self.larder.close()
      await upstream.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
  self.larder = await open()
  await self.commit({
    'larder.yaml': siteText(upstream.url, options.mirror ?? ''),
    'keys/test.asc': upstream.key,
    'packages.json': '["alpha"]\n',
  })
  return self
}

function siteText(url: string, more: string): string {
  const common = 'format: apt, upstreams: [test], suite: stable, architectures: [amd64], packages: packages.json'
  return `site: test
upstreams:
  test: { format: apt, url: "${url}", keys: [keys/test.asc] }
mirrors:
  base: { ${common}${more === '' ? '' : `, ${more}`} }
`
}

async function commitTo(repository: string, clone: string, files: Readonly<Record<string, string>>): Promise<string> {
  const identity = ['-c', 'user.name=Test', '-c', 'user.email=test@example.org']
  const git = (...args: string[]) => run('git', ['-C', clone, ...identity, ...args])
  await mkdir(clone, { recursive: true })
  await git('init', '--quiet', '--initial-branch=main')
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(clone, path)), { recursive: true })
    await writeFile(join(clone, path), text)
  }
  await git('add', '--all')
  await git('commit', '--quiet', '--message', 'change')
  await run('git', ['--git-dir', repository, 'fetch', '--quiet', clone, '+HEAD:main'])
  const { stdout } = await git('rev-parse', 'HEAD')
  return stdout.trim()
}
