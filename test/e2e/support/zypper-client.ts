import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'

export interface ZypperResult {
  exitCode: number
  /** Standard output and standard error together. */
  output: string
}

/** A real zypper that sees nothing of this host: no repositories, no installed packages, no settings. */
export interface ZypperClient {
  readonly root: string
  /** Its only repository, as a .repo file. */
  setRepo(text: string): Promise<void>
  /** `trusting`: takes the keys that the repository names, which are asked for otherwise. */
  zypper(args: readonly string[], options?: { trusting?: boolean }): Promise<ZypperResult>
  /** NEVRA of what is installed, sorted; public keys left out. */
  installed(): Promise<string[]>
}

/** zypper and those libraries of it that nothing else here needs, as Debian 12 has them. */
const programs = ['zypper', 'libzypp1722', 'libaugeas0', 'libboost-thread1.74.0', 'libproxy1v5', 'libsigc++-2.0-0v5']
const packages = [...programs, 'libyaml-cpp0.7']

/** Its packages, unpacked into a folder: installed, they would drive dnf's plugins away (`Breaks`). */
export async function unpackZypper(folder: string): Promise<string> {
  const archives = join(folder, 'archives')
  const tree = join(folder, 'tree')
  await mkdir(archives, { recursive: true })
  const download = () => execa('apt-get', ['download', '--', ...packages], { cwd: archives, reject: false })
  if ((await download()).exitCode !== 0) {
    await execa('apt-get', ['update'])
    await execa('apt-get', ['download', '--', ...packages], { cwd: archives })
  }
  for (const name of await readdir(archives)) await execa('dpkg-deb', ['--extract', join(archives, name), tree])
  return tree
}

/** `tree`: from unpackZypper. */
export async function createZypperClient(tree: string, root: string): Promise<ZypperClient> {
  const repos = join(root, 'etc/zypp/repos.d')
  await mkdir(repos, { recursive: true })
  const env = {
    LC_ALL: 'C',
    PATH: process.env['PATH'],
    HOME: root,
    LD_LIBRARY_PATH: join(tree, 'usr/lib/x86_64-linux-gnu'),
    ZYPP_LOGFILE: join(root, 'zypper.log'),
  }
  const settled = { env, extendEnv: false, reject: false, all: true, stdin: 'ignore', timeout: 120_000 } as const
  const run = async (program: string, args: readonly string[]): Promise<ZypperResult> => {
    const { exitCode = 255, all } = await execa(program, args, settled)
    return { exitCode, output: all }
  }
  return {
    root,
    setRepo: (text) => writeFile(join(repos, 'larder.repo'), text),
    zypper(args, { trusting = false } = {}) {
      const trust = trusting ? ['--gpg-auto-import-keys'] : []
      return run(join(tree, 'usr/bin/zypper'), [`--root=${root}`, '--non-interactive', ...trust, ...args])
    },
    async installed() {
      const format = 'nevra %{NAME}-%{VERSION}-%{RELEASE}.%{ARCH}\\n'
      const { output } = await run('rpm', [`--root=${root}`, '-qa', '--qf', format])
      const lines = output.split('\n').filter((line) => line.startsWith('nevra ') && !line.includes(' gpg-pubkey-'))
      return lines.map((line) => line.slice('nevra '.length)).sort()
    },
  }
}
