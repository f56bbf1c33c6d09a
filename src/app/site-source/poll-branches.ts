import { z } from 'zod'
import { isLarderError, ownValue } from '../../core/index.ts'
import { dropRefs, fetchRefs, listRemoteRefs } from '../../forge/index.ts'
import { getSetting, setSetting } from '../../state/index.ts'
import { branchRef } from './connected-forge.ts'
import type { NewsContext } from './site-news.ts'

const seenKey = 'forge/branches'
const seenSchema = z.record(z.string(), z.string())
/** Of a repository with thousands of branches, those that sort first are looked at. */
const mostBranches = 1000

/**
 * Plain Git, without pull requests: fetches what is applied, and plans other branches that were pushed since the last look. At the
 * first look all there is counts as seen. Branches that cannot be fetched keep main from nothing. GIT_FAILED.
 */
export async function pollBranches(news: NewsContext): Promise<void> {
  const { context, connected } = news
  const listed = await listRemoteRefs(connected.remote, ['refs/heads/*'], context.stopping)
  const heads = new Map(
    listed.slice(0, mostBranches).map(({ ref, commit }) => [ref.slice(branchRef('').length), commit]),
  )
  const text = await getSetting(context.state, seenKey)
  const seen = text === undefined ? undefined : seenSchema.parse(JSON.parse(text))
  const applied = await news.appliedBranches()
  const isPushed = ([name, commit]: [string, string]): boolean =>
    !applied.includes(name) && seen !== undefined && ownValue(seen, name) !== commit
  const pushed = [...heads].filter(isPushed)
  // Where `topic` was, there is no room for `topic/x`.
  const gone = Object.keys(seen ?? {}).filter((name) => !applied.includes(name) && !heads.has(name))
  await dropRefs(context.repository, connected.remote, gone.map(branchRef))
  const others = applied.filter((name) => name !== 'main' && heads.has(name))
  const fetched = await fetchBranches(news, [...others, ...pushed.map(([name]) => name)])
  if (fetched === undefined) return
  for (const [branch] of pushed) {
    const commit = fetched.get(branchRef(branch))
    if (commit === undefined || (await context.runs.latest(branch, 'plan'))?.commit === commit) continue
    await news.onCreated(await context.runs.create({ branch, commit, goal: 'plan', origin: 'poll' }))
  }
  await setSetting(context.state, seenKey, JSON.stringify(Object.fromEntries(heads)))
}

/** With main. Undefined: main alone could be fetched. */
async function fetchBranches(
  { context, connected }: NewsContext,
  branches: readonly string[],
): Promise<Map<string, string> | undefined> {
  const fetch = (names: readonly string[]): Promise<Map<string, string>> =>
    fetchRefs(context.repository, connected.remote, names.map(branchRef), context.stopping)
  try {
    return await fetch(['main', ...branches])
  } catch (error) {
    if (branches.length === 0 || !isLarderError(error, 'GIT_FAILED')) throw error
    await fetch(['main'])
    context.log.warn('branches besides main could not be fetched', { error })
    return undefined
  }
}
