import { isLarderError } from '../core/index.ts'
import { resolveRef, type GitRepository } from '../forge/index.ts'
import { branchOf, type AnyKind } from '../pipeline/index.ts'
import type { SiteHead } from './site-head.ts'

export interface AppliedBranchesOptions {
  siteHead: SiteHead
  kinds: readonly AnyKind[]
  repository: GitRepository
  /** Where a branch of the site is kept here. */
  refOf: (branch: string) => string
}

/**
 * Branches whose commits are applied: main, and those that main says kinds follow. What another branch says of that does
 * not count.
 */
export async function appliedBranches({
  siteHead,
  kinds,
}: Pick<AppliedBranchesOptions, 'siteHead' | 'kinds'>): Promise<string[]> {
  const sections = await sectionsOf(siteHead)
  const followed = kinds.flatMap((kind) => {
    const desired = sections[kind.section]
    return desired === undefined ? [] : [branchOf(kind, desired)]
  })
  return [...new Set(['main', ...followed])]
}

/** A site that cannot be read says nothing: main is applied all the same, and its run tells what is wrong. */
async function sectionsOf(siteHead: SiteHead): Promise<Record<string, unknown>> {
  try {
    return (await siteHead.current())?.site.sections ?? {}
  } catch (error) {
    if (!isLarderError(error)) throw error
    return {}
  }
}

/** Their heads, as far as they are there. */
export async function appliedHeads(options: AppliedBranchesOptions): Promise<Map<string, string>> {
  const heads = new Map<string, string>()
  for (const branch of await appliedBranches(options)) {
    const commit = await resolveRef(options.repository, options.refOf(branch))
    if (commit !== undefined) heads.set(branch, commit)
  }
  return heads
}
