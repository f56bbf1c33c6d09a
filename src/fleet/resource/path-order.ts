/**
 * What comes before something at a path: the folder it is in, the accounts that own it, and packages whose name its folder
 * of settings bears (`/etc/nginx/…`: `nginx`), since they bring the folder and the accounts.
 */
export function folderAndOwners(path: string, owners: { owner: string; group: string } | undefined): string[] {
  const { owner = 'root', group = 'root' } = owners ?? {}
  const accounts = [...(owner === 'root' ? [] : [`user:${owner}`]), ...(group === 'root' ? [] : [`group:${group}`])]
  // Accounts that nobody declares come from packages.
  return [...foldersOf(path), ...accounts, ...(accounts.length > 0 ? ['package:*'] : packagesOf(path))]
}

/**
 * What comes before something that shall not be there: what is mounted, linked or unpacked above it, and packages that bring it, but no
 * directory, which may have to go itself when it is empty.
 */
export function aboveAbsent(path: string): string[] {
  return [...foldersOf(path).filter((one) => !one.startsWith('directory:')), ...packagesOf(path)]
}

/** What comes before a folder can go: all that is in it. */
export function whatIsIn(path: string): string[] {
  const within = ['file', 'link', 'directory', 'mount', 'archive', 'git-checkout'].map((type) => `${type}:${path}/*`)
  return [`mount:${path}`, ...within]
}

/** `/a/b/c`: the directories /a/b and /a, links in their place, and what is mounted or unpacked there. */
function foldersOf(path: string): string[] {
  const parts = path.split('/').slice(1, -1)
  const folders = parts.map((_, at) => `/${parts.slice(0, at + 1).join('/')}`)
  return folders.flatMap((folder) =>
    ['directory', 'link', 'mount', 'archive', 'git-checkout'].map((type) => `${type}:${folder}`),
  )
}

function packagesOf(path: string): string[] {
  const name = /^\/etc\/(?:default\/|sysconfig\/)?([a-z0-9][a-z0-9+.-]*)/.exec(path)?.[1]
  return name === undefined || name === 'apt' || name === 'yum.repos.d' || name === 'dnf' ? [] : [`package:${name}*`]
}
