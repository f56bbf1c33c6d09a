import { isThere } from '../data-folder.ts'
import { isOnPath } from '../program-path.ts'

/** What this machine lets the quickstart do, and what it must leave out and why. */
export interface HostAbilities {
  isRoot: boolean
  /** APT sources of the host can be read: the upstream of the trial site. */
  hasAptSources: boolean
  /** A real apt client can be run. */
  hasApt: boolean
  leftOut: string[]
}

export async function findHostAbilities(environment: NodeJS.ProcessEnv): Promise<HostAbilities> {
  const isRoot = process.getuid?.() === 0
  const hasApt = (await isOnPath('apt-get', environment)) && (await isOnPath('dpkg-deb', environment))
  const hasAptSources = await isThere('/etc/apt')
  const leftOut: string[] = []
  if (!hasAptSources) {
    leftOut.push(
      'mirroring: this host has no APT sources to take packages from; give an upstream with `url` and `keys` in larder.yaml instead',
    )
  }
  if (!hasApt) leftOut.push('the client: there is no apt-get here; any Debian or Ubuntu machine can use the mirror')
  if (hasApt && !isRoot)
    leftOut.push('a full installation: it needs root; apt fetches the packages and they are unpacked and run instead')
  return { isRoot, hasAptSources, hasApt, leftOut }
}
