import { checkObjectId } from './ref-name.ts'
import type { GitRepository } from './repository.ts'
import { runGit } from './run-git.ts'

/** A commit of another repository, and the path at which a tree has it. */
export interface SubmoduleLink {
  path: string
  commit: string
}

const largestListBytes = 100 * 1024 * 1024

/**
 * What a commit or tree has of other repositories; and the id of its .gitmodules, undefined where there is none. GIT_FAILED.
 * Source: git-ls-tree(1), OUTPUT FORMAT.
 */
export async function listSubmoduleLinks(
  repository: GitRepository,
  treeish: string,
): Promise<{ links: SubmoduleLink[]; gitmodules: string | undefined }> {
  const args = ['ls-tree', '-r', '-z', '--full-tree', '--end-of-options', checkObjectId(treeish)]
  const { stdout } = await runGit(args, { repository, maxOutputBytes: largestListBytes })
  const links: SubmoduleLink[] = []
  let gitmodules: string | undefined
  for (const record of stdout.toString('utf8').split('\0')) {
    const tab = record.indexOf('\t')
    const [mode, , id = ''] = record.slice(0, tab).split(' ')
    const path = record.slice(tab + 1)
    if (mode === '160000') links.push({ path, commit: id })
    else if (path === '.gitmodules') gitmodules = id
  }
  return { links, gitmodules }
}

/**
 * Forgets commits of submodules that no branch or pull request has any more, so that gc may take what only they had. A
 * run of an old commit fetches them again. GIT_FAILED.
 */
export async function dropSubmoduleRefs(repository: GitRepository): Promise<number> {
  const kept = await listRefs(repository, 'refs/submodules/')
  if (kept.length === 0) return 0
  const used = new Set<string>()
  const heads = await listRefs(repository, 'refs/heads/', 'refs/remotes/')
  const waiting = [...new Set(heads.map(({ commit }) => commit))]
  const here = new Set(kept.map(({ ref }) => ref.split('/')[2] ?? ''))
  for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
    for (const { commit } of (await listSubmoduleLinks(repository, id)).links) {
      // What was never fetched has nothing in it that we could look at.
      if (used.has(commit) || !here.has(commit)) continue
      used.add(commit)
      waiting.push(commit)
    }
  }
  const unused = kept.filter(({ ref }) => !used.has(ref.split('/')[2] ?? ''))
  if (unused.length === 0) return 0
  await runGit(['update-ref', '--stdin'], { repository, input: unused.map(({ ref }) => `delete ${ref}\n`).join('') })
  return unused.length
}

async function listRefs(repository: GitRepository, ...below: string[]): Promise<{ ref: string; commit: string }[]> {
  const args = ['for-each-ref', '--format=%(objectname) %(refname)', '--end-of-options', ...below]
  const { stdout } = await runGit(args, { repository, maxOutputBytes: largestListBytes })
  const lines = stdout.toString('utf8').split('\n')
  return lines
    .filter((line) => line !== '')
    .map((line) => ({ commit: line.slice(0, line.indexOf(' ')), ref: line.slice(line.indexOf(' ') + 1) }))
}
