import type { SiteEntry, SiteFiles } from '../../core/index.ts'

/** The files of one commit; nothing need be closed when all that was read was known. */
export type RememberedCommit = SiteFiles & { close(): void }

/** Opens commits of one repository. */
export type OpenCommit = (commitId: string, environment?: Readonly<Record<string, string>>) => Promise<RememberedCommit>

interface Known {
  lists: Map<string, string[]>
  entries: Map<string, SiteEntry[]>
  files: Map<string, Buffer | undefined>
}

/** The commit that is applied, the one before, and some that are being pushed. */
const keptCommits = 4
/** A site's files are small; one that is not is read anew each time. */
const keptFileBytes = 4 * 1024 * 1024

/**
 * Opens commits and keeps what was read of the last ones: the run after a push reads what the check of the push has
 * read, and a commit never changes, so that git (20 ms each time, in a process of our size) need not be asked again.
 */
export function createCommitMemory(open: OpenCommit): OpenCommit {
  const memory = new Map<string, Known>()
  return async (commitId, environment = {}) => {
    const known = memory.get(commitId)
    if (known !== undefined) return remembering(known, () => open(commitId, environment))
    const files = await open(commitId, environment)
    const fresh: Known = { lists: new Map(), entries: new Map(), files: new Map() }
    memory.set(commitId, fresh)
    const [oldest] = memory.keys()
    if (memory.size > keptCommits && oldest !== undefined) memory.delete(oldest)
    return remembering(fresh, () => Promise.resolve(files))
  }
}

function remembering(known: Known, open: () => Promise<RememberedCommit>): RememberedCommit {
  let opened: Promise<RememberedCommit> | undefined
  const source = (): Promise<RememberedCommit> => (opened ??= open())
  return {
    async read(path, { once = false } = {}) {
      if (known.files.has(path)) return known.files.get(path)
      const bytes = await (await source()).read(path)
      if (!once && (bytes === undefined || bytes.length <= keptFileBytes)) known.files.set(path, bytes)
      return bytes
    },
    async list(folder) {
      const list = known.lists.get(folder) ?? (await (await source()).list(folder))
      known.lists.set(folder, list)
      return [...list]
    },
    async entries(folder) {
      const entries = known.entries.get(folder) ?? (await (await source()).entries(folder))
      known.entries.set(folder, entries)
      return [...entries]
    },
    close() {
      opened?.then(
        (files) => {
          files.close()
        },
        // Whoever asked for it has been told.
        () => undefined,
      )
    },
  }
}
