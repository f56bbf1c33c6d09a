import { isLarderError } from '../core/index.ts'
import type { Alongside } from '../publish/index.ts'
import type { StagedMirror, StagedWork } from './mirror-change.ts'
import type { MirrorKindOptions } from './mirror-kind.ts'
import { republish } from './republish.ts'

/** The one visible step; and with it, in the same transaction, what the publication was made from. */
export async function switchMirror(options: MirrorKindOptions, staged: StagedMirror): Promise<void> {
  const { mirror, inputs, work } = staged
  if (work === undefined) await options.publisher.withdraw(mirror)
  else await publishStaged(options, mirror, { ...work, inputs })
}

/** Somebody may have promoted or rolled back since the staging: then the snapshot is sealed again, on top of that. */
async function publishStaged(
  options: MirrorKindOptions,
  mirror: string,
  work: StagedWork & { inputs: string },
): Promise<void> {
  const { publisher, memory } = options
  if (work.prepared === undefined) return memory.rememberInputs(mirror, work.inputs)
  const alongside: Alongside = (transaction) => memory.setInputs(transaction, mirror, work.inputs)
  try {
    await publisher.switchTo(work.prepared, alongside)
  } catch (error) {
    if (!isLarderError(error, 'PUBLICATION_OUTDATED')) throw error
    const { snapshotNumber, validForMs } = work
    const { signingKey, formats } = options
    await republish({ mirror, snapshotNumber, formats, publisher, signingKey, validForMs, alongside })
  }
}
