import { formatProblem } from '../../../core/index.ts'
import { readSite } from '../../../pipeline/index.ts'
import type { Ailment, DoctorCheck } from '../check.ts'

const mostTold = 10

/** The head of main is a valid site, and it has been applied. */
export const siteCheck: DoctorCheck = {
  name: 'site',
  async look({ context, mainCommit, housekeeping }) {
    const commit = await mainCommit()
    if (commit === undefined) return [nothingPushed()]
    const files = await context.openCommit(commit)
    try {
      const result = await readSite(files, context.kinds)
      if ('problems' in result) {
        const errors = result.problems.filter((problem) => problem.severity === 'error')
        return errors.slice(0, mostTold).map((problem) => ({
          severity: 'error',
          subject: 'main',
          message: `The head of main (${commit.slice(0, 12)}) is not valid: ${formatProblem(problem)}`,
          hint: 'larder check in a clone shows everything; mend it and push. What was valid before goes on being served.',
        }))
      }
    } finally {
      files.close()
    }
    const latest = await context.runs.latest('main', 'apply')
    return latest?.commit === commit ? [] : [notApplied(commit, () => housekeeping.reconcile())]
  },
}

function nothingPushed(): Ailment {
  return {
    severity: 'warning',
    subject: 'main',
    message: 'No site has been pushed yet.',
    hint: 'git push http://admin@HOST:7420/git/site.git main, with larder.yaml in it; larder up --repository reads it from a forge.',
  }
}

function notApplied(commit: string, mend: () => Promise<void>): Ailment {
  return {
    severity: 'warning',
    subject: 'main',
    message: `The head of main (${commit.slice(0, 12)}) has not been applied.`,
    hint: 'A running controller notices within five minutes.',
    mend,
  }
}
