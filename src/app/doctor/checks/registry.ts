import type { AbsentBlobs } from '../../../oci/index.ts'
import type { Ailment, DoctorCheck, DoctorContext } from '../check.ts'

/** The registry can send what its tags name: every blob is there, in its length. Its bytes are read by `--deep` alone. */
export const registryCheck: DoctorCheck = {
  name: 'registry',
  async look(context) {
    const absent = await context.context.registry.absentBlobs(context.signal)
    if (absent.length === 0) return []
    const built = new Set(await context.context.images.builds.images())
    return summarise(absent.map((one) => judgeAbsent(one, originOf(context, one, built))))
  },
}

/** Where what is lost came from, and may come from again. */
export type BlobOrigin = 'built' | 'read through' | 'pushed'

function originOf(
  { context: { registryCache } }: DoctorContext,
  { repository }: AbsentBlobs,
  built: ReadonlySet<string>,
): BlobOrigin {
  if (registryCache.isReadThrough(repository)) return 'read through'
  return built.has(repository) ? 'built' : 'pushed'
}

const mostTags = 5

/** Pure. */
export function judgeAbsent({ repository, digests, isNamed, tags }: AbsentBlobs, origin: BlobOrigin): Ailment {
  const [first = ''] = digests
  const what = digests.length === 1 ? `The blob ${first}` : `${digests.length} blobs (${first} and others)`
  const isAre = digests.length === 1 ? 'is' : 'are'
  const lost = `${what} of ${repository} ${isAre} missing in the store, or of the wrong size`
  return {
    severity: isNamed && origin !== 'read through' ? 'error' : 'warning',
    subject: `image ${repository}`,
    message: `${lost}: ${consequence({ repository, isNamed, tags }, origin)}.`,
    hint: `${hints[origin](repository)} Did somebody delete files, was the folder restored without blobs/, or does the disk fail?`,
  }
}

function consequence(
  { repository, isNamed, tags }: Pick<AbsentBlobs, 'repository' | 'isNamed' | 'tags'>,
  origin: BlobOrigin,
): string {
  if (!isNamed) return 'no manifest needs it, and the next push brings it again'
  if (origin === 'read through') return 'the next pull fetches it again'
  if (tags.length === 0) return 'what is pulled by its digest, or as a proof of another, is not whole'
  const more = tags.length > mostTags ? ` and ${tags.length - mostTags} more` : ''
  return `${repository}:${tags.slice(0, mostTags).join(', ')}${more} cannot be pulled`
}

const hints: Readonly<Record<BlobOrigin, (repository: string) => string>> = {
  built: (repository) =>
    `larder image rm ${repository} VERSION, then larder image build, makes a version again; or push it from a host that has it; or bring blobs/ back from a backup.`,
  'read through': () => 'Nothing is to be done.',
  pushed: () =>
    'Push the image again, which sends what is missing; or bring blobs/ back from a backup; or delete the tags.',
}

const mostTold = 10

/** Of a store that was lost as a whole, the first ten say enough. */
function summarise(found: readonly Ailment[]): Ailment[] {
  const sorted = found.toSorted((a, b) => Number(a.severity !== 'error') - Number(b.severity !== 'error'))
  const rest = sorted.slice(mostTold)
  const [first] = rest
  if (first === undefined) return sorted
  const more = { ...first, subject: 'registry', message: `${rest.length} more repositories lack blobs.` }
  return [...sorted.slice(0, mostTold), more]
}
