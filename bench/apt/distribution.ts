import { execFile } from 'node:child_process'
import { mkdir, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { folderLookup, startBenchServer, type BenchServer } from '../file-server.ts'

const run = promisify(execFile)

/** A part of the host's own distribution, kept on the disk and served on the loopback as it is served out there. */
export interface Distribution {
  suite: string
  architecture: string
  /** Keys that sign it. */
  keyring: string
  /** Where the files are; `dists/…` and `pool/…`. */
  folder: string
  /** Serves what is here; with `fetching`, brings what is asked for and not here yet. */
  serve: (options: { fetching: boolean }) => Promise<BenchServer>
}

/** Kept in `folder` between runs: remove it to take a newer state of the distribution. Only on Debian and its like. */
export async function openDistribution(cacheFolder: string): Promise<Distribution> {
  const { origin, suite, architecture } = await findOrigin()
  const folder = join(cacheFolder, `${suite}-${architecture}`)
  const underWay = new Map<string, Promise<void>>()
  const fetchMissing = async (path: string, file: string): Promise<void> => {
    const known = underWay.get(path) ?? fetchFile(`${origin}${path}`, file)
    underWay.set(path, known)
    await known.finally(() => underWay.delete(path))
  }
  return {
    suite,
    architecture,
    keyring,
    folder,
    serve: ({ fetching }) => startBenchServer(folderLookup(folder, fetching ? fetchMissing : undefined)),
  }
}

/** The component `main` of the host's own release, as its apt has it. */
async function findOrigin(): Promise<{ origin: string; suite: string; architecture: string }> {
  const release = await readFile('/etc/os-release', 'utf8')
  const suite = /^VERSION_CODENAME="?([a-z]+)"?$/m.exec(release)?.[1]
  const { stdout: architectureLine } = await run('dpkg', ['--print-architecture'])
  const architecture = architectureLine.trim()
  const format = '$(REPO_URI)|$(RELEASE)|$(COMPONENT)|$(ARCHITECTURE)'
  const { stdout } = await run('apt-get', ['indextargets', '--format', format, 'Created-By: Packages'])
  for (const line of stdout.split('\n')) {
    const [origin = '', name, component, targetArchitecture] = line.split('|')
    if (name !== suite || component !== 'main' || targetArchitecture !== architecture || suite === undefined) continue
    return { origin, suite, architecture }
  }
  throw new Error(`this host's APT sources have no ${suite ?? 'release'} main for ${architecture}: nothing to mirror`)
}

const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg'

/** By apt's own downloader, with the host's own settings. What is not there stays away. */
async function fetchFile(url: string, file: string): Promise<void> {
  const partial = `${file}.partial`
  await mkdir(dirname(file), { recursive: true })
  try {
    await run('/usr/lib/apt/apt-helper', ['-o', 'APT::Sandbox::User=root', 'download-file', url, partial])
    await rename(partial, file)
  } catch (error) {
    await rm(partial, { force: true })
    if ((error as { code?: unknown }).code !== 100) throw error
  }
}
