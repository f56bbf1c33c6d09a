import type { LarderError } from '../core/index.ts'
import { describeChange } from './describe-change.ts'
import type { MirrorChange, ObservedMirror, ObservedMirrors } from './mirror-change.ts'
import { isRefusal, joinRefusals, listRefusal } from './mirror-refusal.ts'
import { diffPackages, fetchBytesOf, isEmptyDiff } from './package-diff.ts'

/**
 * Pure. No change for a mirror whose publication was made from the same inputs. When something is refused, of whichever
 * mirror, one error tells of all of it: PACKAGE_UNKNOWN, CLOSURE_UNSATISFIABLE, SITE_INVALID, or what `load` refused.
 */
export function planMirrors({ mirrors, orphans, refusals: earlier }: ObservedMirrors): MirrorChange[] {
  const refusals = [...earlier]
  const changes = mirrors.flatMap((mirror) => planOrRefuse(mirror, refusals))
  const [first, ...others] = refusals
  if (first !== undefined) throw joinRefusals([first, ...others])
  const comingCount = changes.reduce((sum, { detail }) => sum + detail.added.length + detail.changed.length, 0)
  const counted = changes.map(({ work, ...change }) => ({ ...change, work: work && { ...work, comingCount } }))
  return [...counted, ...orphans.map((name) => planRemoval(name))]
}

/** No changes when there are refusals, which are added to the others. */
function planOrRefuse(observed: ObservedMirror, refusals: LarderError[]): MirrorChange[] {
  const { name, listErrors = [] } = observed.request
  if (listErrors.length > 0) refusals.push(listRefusal(name, listErrors))
  try {
    return planMirror(observed)
  } catch (error) {
    if (!isRefusal(error)) throw error
    refusals.push(error)
    return []
  }
}

function planMirror(observed: ObservedMirror): MirrorChange[] {
  if (observed.publishedInputs === observed.inputs) return []
  const { request, format, loaded } = observed
  const resolution = format.resolve(loaded, request)
  const diff = diffPackages(observed.publishedPackages, resolution.packages)
  const sameList = observed.published && isEmptyDiff(diff)
  const fetchBytes = fetchBytesOf(diff, observed.publishedPackages)
  return [
    {
      subject: `mirror ${request.name}`,
      action: observed.published ? 'update' : 'create',
      summary: sameList
        ? 'same packages; settings or upstream metadata changed'
        : describeChange(diff, observed.publishedPackages, resolution.packages),
      detail: { mirror: request.name, inputs: observed.inputs, ...diff, notes: resolution.notes, fetchBytes },
      work: { observed, resolution, comingCount: 0 },
    },
  ]
}

function planRemoval(name: string): MirrorChange {
  return {
    subject: `mirror ${name}`,
    action: 'remove',
    summary: 'no longer in larder.yaml: not published any more',
    detail: { mirror: name, inputs: '', added: [], removed: [], changed: [], notes: [], fetchBytes: 0 },
    work: undefined,
  }
}
