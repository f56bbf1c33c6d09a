import { openCommit } from './commit-files.ts'
import type { OpenCommit } from './commit-memory.ts'
import { withLfs, type BytesSend } from './lfs.ts'
import { accessTo, type Remote } from './remote-access.ts'
import type { GitRepository } from './repository.ts'
import { withSubmodules } from './submodules.ts'

export interface OpenSiteCommitOptions {
  repository: GitRepository
  /** Where the repository came from. Undefined: it is the only one. */
  remote: Remote | undefined
  /** Read files that are in Git LFS, by this. */
  lfs: BytesSend | undefined
  /** Read submodules. */
  submodules: boolean
}

/** Opens commits of the site repository, with what its forge keeps elsewhere where that is asked for. */
export function createSiteCommitOpener(options: OpenSiteCommitOptions): OpenCommit {
  const { repository, remote, lfs, submodules } = options
  return async (commit, environment) => {
    const access = remote?.isBlobless === true ? (await accessTo(remote)).environment : undefined
    const open = (id: string) => openCommit(repository, id, environment, { access })
    const files = await open(commit)
    const whole = submodules && remote !== undefined ? await withSubmodules(files, { repository, remote, open }) : files
    if (lfs === undefined || remote === undefined || !/^https?:/.test(remote.url)) return whole
    return withLfs(whole, { url: remote.url, login: remote.login, send: lfs })
  }
}
