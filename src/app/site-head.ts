import { isLarderError, type SiteFiles } from '../core/index.ts'
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

/**
 * Reads a commit once. A head whose files are not valid counts as no head: it was never applied. So does one that cannot
 * be read while an earlier one is known, since what is published is not worse for it. GIT_FAILED and the like otherwise.
 */
export function createSiteHead({ kinds, mainCommit, openCommit }: SiteHeadOptions): SiteHead {
  let known: { commit: string; files: SiteFiles; site: Site } | undefined
  return {
    async current() {
      const commit = await mainCommit()
      if (commit === undefined) return undefined
      if (known?.commit === commit) return known
      try {
        const files = await openCommit(commit)
        const result = await readSite(files, kinds)
        if ('site' in result) known = { commit, files, site: result.site }
      } catch (error) {
        if (!isLarderError(error) || (known === undefined && error.exitCode !== 3)) throw error
      }
      return known
    },
  }
}
