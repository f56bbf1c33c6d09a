import { LarderError } from '../../core/index.ts'

/**
 * What git says when contents that a blobless fetch left out do not come: they are gone for good (GIT_COMMIT_GONE), or
 * the forge is away (FORGE_UNREACHABLE, which passes). Undefined: it complains of something else.
 * Source: git's promisor-remote.c and upload-pack.c.
 */
export function missingContents(complaint: string): LarderError | undefined {
  if (/upload-pack: not our ref/.test(complaint)) {
    return new LarderError('GIT_COMMIT_GONE', {
      message: 'The forge does not have the files of the commit any more.',
      hint: 'The branch was probably pushed anew: its new head has a run of its own.',
    })
  }
  if (!/could not fetch .* from promisor remote/.test(complaint)) return undefined
  const [first = ''] = complaint.split('\n').filter((line) => line.startsWith('fatal: ') || line.startsWith('error: '))
  return new LarderError('FORGE_UNREACHABLE', {
    message: `Files of the commit cannot be fetched from the forge: ${first.replace(/^(?:fatal|error): /, '')}`,
    hint: 'They are not here since controller.yaml says `fetch: blobless`.',
    context: { stderr: complaint.slice(0, 4000) },
  })
}
