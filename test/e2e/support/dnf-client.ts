import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'

export interface DnfResult {
  exitCode: number
  /** Standard output and standard error together. */
  output: string
}

/** A real dnf that sees nothing of this host: no repositories, no installed packages, no settings. */
export interface DnfClient {
  readonly root: string
  /** Its only repository, as a .repo file. */
  setRepo(text: string): Promise<void>
  dnf(...args: string[]): Promise<DnfResult>
  /** Reads the repository's metadata again, whatever is cached. */
  makecache(): Promise<DnfResult>
  install(...packages: string[]): Promise<DnfResult>
  /** NEVRA of what is installed, sorted; public keys left out. */
  installed(): Promise<string[]>
  /** NEVRA that the repository offers, sorted. */
  available(): Promise<string[]>
}

/** What dnf says when something is wrong with what it got, even when it goes on. */
export const dnfComplaint = /mismatch|\[MIRROR\]|Error:|Errors during|Failed to|bad GPG|not correct|Problem/i

export async function createDnfClient(root: string, settings: readonly string[] = []): Promise<DnfClient> {
  const repos = join(root, 'etc/yum.repos.d')
  await mkdir(repos, { recursive: true })
  await mkdir(join(root, 'etc/dnf'), { recursive: true })
  await writeFile(join(root, 'etc/dnf/dnf.conf'), '[main]\nretries=1\ntimeout=20\nplugins=0\nproxy=\n')
  const env = { LC_ALL: 'C', PATH: process.env['PATH'], HOME: root }
  const settled = { env, extendEnv: false, reject: false, all: true, stdin: 'ignore', timeout: 120_000 } as const
  const run = async (program: string, args: readonly string[]): Promise<DnfResult> => {
    const result = await execa(program, args, settled)
    return { exitCode: result.exitCode ?? 255, output: result.all }
  }
  const fixed = [
    `--config=${join(root, 'etc/dnf/dnf.conf')}`,
    `--installroot=${root}`,
    `--setopt=reposdir=${repos}`,
    `--setopt=cachedir=${join(root, 'var/cache/dnf')}`,
    `--setopt=varsdir=${join(root, 'etc/dnf/vars')}`,
    '--releasever=9',
    '--forcearch=x86_64',
    '--assumeyes',
    ...settings.map((setting) => `--setopt=${setting}`),
  ]
  const dnf = (...args: string[]): Promise<DnfResult> => run('dnf', [...fixed, ...args])
  const linesOf = ({ output }: DnfResult): string[] =>
    output
      .split('\n')
      .filter((line) => line.startsWith('nevra '))
      .map((line) => line.slice('nevra '.length))
      .sort()
  return {
    root,
    setRepo: (text) => writeFile(join(repos, 'larder.repo'), text),
    dnf,
    makecache: () => dnf('makecache', '--refresh'),
    install: (...packages) => dnf('install', '--', ...packages),
    async installed() {
      const format = 'nevra %{NAME}-%{VERSION}-%{RELEASE}.%{ARCH}\\n'
      const names = linesOf(await run('rpm', [`--root=${root}`, '-qa', '--qf', format]))
      return names.filter((name) => !name.startsWith('gpg-pubkey-'))
    },
    available: async () =>
      linesOf(await dnf('repoquery', '--refresh', '--qf', 'nevra %{name}-%{version}-%{release}.%{arch}')),
  }
}

/** The .repo file of a mirror, as its clients fetch it. */
export async function fetchRepo(url: string, mirror: string): Promise<string> {
  const answer = await fetch(`${url}/setup/${mirror}.repo`)
  if (!answer.ok) throw new Error(`${answer.url}: status ${answer.status}`)
  return answer.text()
}
