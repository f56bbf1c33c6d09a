import { openCommit, type CommitFiles } from './commit-files.ts'
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
    // What is in LFS is with the server of the repository that names it, be it the site or a submodule.
    const open = async (id: string, from: Remote | undefined): Promise<CommitFiles> => {
      const files = await openCommit(repository, id, environment, { access })
      if (lfs === undefined || from === undefined) return files
      return withLfs(files, { url: from.url, login: from.login, send: lfs })
    }
    const files = await open(commit, remote)
    return submodules && remote !== undefined ? withSubmodules(files, { repository, remote, open }) : files
  }
}
