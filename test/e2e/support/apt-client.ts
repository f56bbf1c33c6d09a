import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'

export interface AptResult {
  exitCode: number
  /** Standard output and standard error together. */
  output: string
}

/** A real apt that sees nothing of this host: no sources, no installed packages, no settings. */
export interface AptClient {
  readonly root: string
  /** Its only source, deb822. */
  setSource(deb822: string): Promise<void>
  aptGet(...args: string[]): Promise<AptResult>
  /** `apt-get update`; anything that is not perfect is an error. */
  update(): Promise<AptResult>
  /** Fetches a package with all it depends on; answers the files in its archive folder. */
  download(...packages: string[]): Promise<AptResult & { debs: string[] }>
  /** Version that `apt-cache policy` offers for installation. */
  candidate(name: string): Promise<string | undefined>
}

/** What apt says when something is wrong with what it got, even when it goes on. */
export const complaint = /Hash Sum mismatch|^(?:W|E|Err|Ign):/m

export async function createAptClient(
  root: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<AptClient> {
  for (const folder of [
    'etc/apt/sources.list.d',
    'etc/apt/preferences.d',
    'etc/apt/apt.conf.d',
    'etc/apt/trusted.gpg.d',
    'var/lib/apt/lists/partial',
    'var/cache/apt/archives/partial',
    'var/lib/dpkg',
  ]) {
    await mkdir(join(root, folder), { recursive: true })
  }
  await writeFile(join(root, 'var/lib/dpkg/status'), '')
  // Read before anything of this host is, which `-o` is not.
  const config = join(root, 'apt.conf')
  const lines = Object.entries({ ...defaults(root), ...settings }).map(([name, value]) => `${name} "${value}";\n`)
  await writeFile(config, lines.join(''))
  const env = { LC_ALL: 'C', PATH: process.env['PATH'], APT_CONFIG: config, DEBIAN_FRONTEND: 'noninteractive' }
  const settled = { env, extendEnv: false, reject: false, all: true, stdin: 'ignore', timeout: 120_000 } as const
  const run = async (program: string, args: readonly string[]): Promise<AptResult> => {
    const result = await execa(program, args, settled)
    return { exitCode: result.exitCode ?? 255, output: result.all }
  }
  const aptGet = (...args: string[]): Promise<AptResult> => run('apt-get', args)
  return {
    root,
    setSource: (deb822) => writeFile(join(root, 'etc/apt/sources.list.d/larder.sources'), deb822),
    aptGet,
    update: () => aptGet('update'),
    async download(...packages) {
      const args = ['install', '--yes', '--no-install-recommends', '--download-only', '--', ...packages]
      const result = await aptGet(...args)
      const debs = (await readdir(join(root, 'var/cache/apt/archives'))).filter((name) => name.endsWith('.deb'))
      return { ...result, debs: debs.sort() }
    },
    async candidate(name) {
      const { output } = await run('apt-cache', ['policy', '--', name])
      const version = /^ {2}Candidate: (\S+)$/m.exec(output)?.[1]
      return version === '(none)' ? undefined : version
    },
  }
}

function defaults(root: string): Record<string, string> {
  return {
    Dir: root,
    'Dir::State::status': join(root, 'var/lib/dpkg/status'),
    'Acquire::http::Proxy': 'DIRECT',
    'Acquire::Retries': '0',
    'Acquire::Languages': 'none',
    'APT::Architecture': 'amd64',
    'APT::Architectures': 'amd64',
    'APT::Sandbox::User': 'root',
    'APT::Update::Error-Mode': 'any',
    'Debug::NoLocking': 'true',
  }
}

/** deb822 of a mirror, as its clients fetch it. */
export async function fetchSource(url: string, mirror: string): Promise<string> {
  const answer = await fetch(`${url}/setup/${mirror}.sources`)
  if (!answer.ok) throw new Error(`${answer.url}: status ${answer.status}`)
  return answer.text()
}
