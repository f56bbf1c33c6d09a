import { z } from 'zod'
import { fetchRefs, listRemoteRefs } from '../../forge/index.ts'
import { getSetting, setSetting } from '../../state/index.ts'
import { branchRef } from './connected-forge.ts'
import type { NewsContext } from './site-news.ts'

const seenKey = 'forge/branches'
const seenSchema = z.record(z.string(), z.string())
/** Of a repository with thousands of branches, those that sort first are looked at. */
const mostBranches = 1000

/**
 * Plain Git, without pull requests: fetches main, and plans other branches that were pushed since the last look. At the
 * first look all there is counts as seen. GIT_FAILED.
 */
export async function pollBranches(news: NewsContext): Promise<void> {
  const { context, connected } = news
  const listed = await listRemoteRefs(connected.remote, ['refs/heads/*'], context.stopping)
  const heads = new Map(
    listed.slice(0, mostBranches).map(({ ref, commit }) => [ref.slice(branchRef('').length), commit]),
  )
  const text = await getSetting(context.state, seenKey)
  const seen = text === undefined ? undefined : seenSchema.parse(JSON.parse(text))
  const isPushed = ([name, commit]: [string, string]): boolean =>
    name !== 'main' && seen !== undefined && seen[name] !== commit
  const pushed = [...heads].filter(isPushed)
  const refs = ['main', ...pushed.map(([name]) => name)].map(branchRef)
  const fetched = await fetchRefs(context.repository, connected.remote, refs, context.stopping)
  for (const [branch] of pushed) {
    const commit = fetched.get(branchRef(branch))
    if (commit === undefined || (await context.runs.latest(branch, 'plan'))?.commit === commit) continue
    await news.onCreated(await context.runs.create({ branch, commit, goal: 'plan', origin: 'poll' }))
  }
  await setSetting(context.state, seenKey, JSON.stringify(Object.fromEntries(heads)))
}
