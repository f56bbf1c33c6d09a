import type { SiteFiles } from '../core/index.ts'
import { readSite, type AnyKind, type Site } from '../pipeline/index.ts'

/** The site as the head of the main branch describes it. */
export interface SiteHead {
  current(): Promise<{ commit: string; files: SiteFiles; site: Site } | undefined>
}

export interface SiteHeadOptions {
  kinds: readonly AnyKind[]
  mainCommit: () => Promise<string | undefined>
  openCommit: (commit: string) => Promise<SiteFiles>
}

/** Reads a commit once. A head whose files are not valid counts as no head: it was never applied. */
export function createSiteHead({ kinds, mainCommit, openCommit }: SiteHeadOptions): SiteHead {
  let known: { commit: string; files: SiteFiles; site: Site } | undefined
  return {
    async current() {
      const commit = await mainCommit()
      if (commit === undefined) return undefined
      if (known?.commit === commit) return known
      const files = await openCommit(commit)
      const result = await readSite(files, kinds)
      if (!('site' in result)) return known
      known = { commit, files, site: result.site }
      return known
    },
  }
}
