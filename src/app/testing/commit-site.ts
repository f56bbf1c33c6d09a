import { execa } from 'execa'

/** Commits files to main of a bare repository, with nothing checked and nobody told; answers the commit. */
export async function commitSite(repository: string, files: Readonly<Record<string, string>>): Promise<string> {
  const git = async (args: readonly string[], input = ''): Promise<string> => {
    const name = 'larder'
    const env = { GIT_AUTHOR_NAME: name, GIT_COMMITTER_NAME: name, GIT_AUTHOR_EMAIL: name, GIT_COMMITTER_EMAIL: name }
    return (await execa('git', [`--git-dir=${repository}`, ...args], { input, env })).stdout
  }
  const entries: string[] = []
  for (const [path, text] of Object.entries(files)) {
    entries.push(`100644 blob ${await git(['hash-object', '-w', '--stdin'], text)}\t${path}\n`)
  }
  const tree = await git(['mktree'], entries.join(''))
  const commit = await git(['commit-tree', '-m', 'site', tree])
  await git(['update-ref', 'refs/heads/main', commit])
  return commit
}
