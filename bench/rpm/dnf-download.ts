import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { measureProcess } from '../measure-process.ts'

export interface DnfDownload {
  seconds: number
  peakMiB: number
  /** File names, sorted. */
  files: string[]
}

/** `dnf download --resolve` with nothing cached and nothing installed. `folder` is made anew. */
export async function downloadByDnf(
  folder: string,
  { url, keyring, roots }: { url: string; keyring: string; roots: readonly string[] },
): Promise<DnfDownload> {
  await rm(folder, { recursive: true, force: true })
  const [repos, destination, system] = ['repos', 'packages', 'system'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ]
  for (const one of [repos, destination, system]) await mkdir(one, { recursive: true })
  const lines = ['[made]', 'name=made', `baseurl=${url}/`, 'gpgcheck=1', 'repo_gpgcheck=1', `gpgkey=file://${keyring}`]
  await writeFile(join(repos, 'made.repo'), `${lines.join('\n')}\n`)
  const args = [
    'download',
    '--quiet',
    '--assumeyes',
    '--resolve',
    '--alldeps',
    '--forcearch=x86_64',
    '--releasever=9',
    `--installroot=${system}`,
    `--setopt=reposdir=${repos}`,
    `--setopt=cachedir=${join(folder, 'cache')}`,
    '--setopt=proxy=',
    `--destdir=${destination}`,
    ...roots,
  ]
  const env = { ...process.env, LC_ALL: 'C', no_proxy: '127.0.0.1' }
  const { seconds, peakMiB } = await measureProcess('dnf', args, { env })
  return { seconds, peakMiB, files: (await readdir(destination)).sort() }
}
