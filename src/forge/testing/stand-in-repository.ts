import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'

/** What a commit changes, by path: the text of a file, where a symbolic link leads, a submodule; null removes it. */
export type FileChanges = Readonly<Record<string, string | null | { link: string } | { commit: string }>>

/** A bare repository as a forge keeps it: with branches, forks and refs of pull requests. */
export interface StandInRepository {
  /** Folder of the bare repository. */
  readonly folder: string
  /** Undefined where there is none. */
  resolve(ref: string): Promise<string | undefined>
  update(ref: string, commit: string | undefined): Promise<void>
  /** Commits on top of `parent` (undefined: the first commit); answers the commit, to which no ref points yet. */
  commit(parent: string | undefined, changes: FileChanges, message: string): Promise<string>
  /** What merging `head` into `base` makes, as one commit with both as parents, or with `base` alone. */
  merge(base: string, head: string, options: { squash: boolean; message: string }): Promise<string>
}

/** Makes one in a folder, with nothing in it. */
export async function createStandInRepository(folder: string): Promise<StandInRepository> {
  await execa('git', ['init', '--quiet', '--bare', '--initial-branch=main', folder])
  const name = 'Stand-in'
  const email = 'stand-in@example.org'
  const identity = {
    GIT_AUTHOR_NAME: name,
    GIT_AUTHOR_EMAIL: email,
    GIT_COMMITTER_NAME: name,
    GIT_COMMITTER_EMAIL: email,
  }
  const git = async (args: readonly string[], more: { input?: string; env?: Record<string, string> } = {}) => {
    const env = { ...identity, GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null', ...more.env }
    return (await execa('git', [`--git-dir=${folder}`, ...args], { env, input: more.input ?? '' })).stdout.trim()
  }
  const commitTree = (tree: string, parents: readonly string[], message: string): Promise<string> =>
    git(['commit-tree', '-m', message, ...parents.flatMap((parent) => ['-p', parent]), tree])
  return {
    folder,
    async resolve(ref) {
      const found = await execa('git', [`--git-dir=${folder}`, 'rev-parse', '--verify', '--quiet', ref], {
        reject: false,
      })
      return found.exitCode === 0 ? found.stdout.trim() : undefined
    },
    async update(ref, commit) {
      await git(commit === undefined ? ['update-ref', '-d', ref] : ['update-ref', ref, commit])
    },
    async commit(parent, changes, message) {
      const scratch = await mkdtemp(join(tmpdir(), 'larder-stand-in-'))
      const env = { GIT_INDEX_FILE: join(scratch, 'index') }
      try {
        await git(parent === undefined ? ['read-tree', '--empty'] : ['read-tree', parent], { env })
        const lines: string[] = []
        for (const [path, text] of Object.entries(changes)) {
          if (text === null) {
            lines.push(`0 ${'0'.repeat(40)}\t${path}`)
            continue
          }
          if (typeof text === 'object' && 'commit' in text) {
            lines.push(`160000 ${text.commit}\t${path}`)
            continue
          }
          const [mode, input] = typeof text === 'string' ? ['100644', text] : ['120000', text.link]
          lines.push(`${mode} ${await git(['hash-object', '-w', '--stdin'], { input })}\t${path}`)
        }
        await git(['update-index', '--index-info'], { env, input: `${lines.join('\n')}\n` })
        const tree = await git(['write-tree'], { env })
        return await commitTree(tree, parent === undefined ? [] : [parent], message)
      } finally {
        await rm(scratch, { recursive: true, force: true })
      }
    },
    async merge(base, head, { squash, message }) {
      const tree = await git(['merge-tree', '--write-tree', base, head])
      return commitTree(tree, squash ? [base] : [base, head], message)
    },
  }
}
