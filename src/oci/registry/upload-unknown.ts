import { LarderError } from '../../core/index.ts'
import type { RepositoryName } from '../reference.ts'

export function uploadUnknown(repository: RepositoryName, id: string): LarderError {
  return new LarderError('OCI_UPLOAD_UNKNOWN', {
    message: `${repository} has no upload ${id.slice(0, 60)}.`,
    hint: 'It was finished or cancelled, or expired; begin a new one.',
  })
}

/** After a restore, or a power cut: the client has done nothing wrong, and most begin again when it is told so. */
export function uploadChanged(repository: RepositoryName, id: string, cause: Error): LarderError {
  return new LarderError('OCI_UPLOAD_UNKNOWN', {
    message: `${repository} has no upload ${id} any more: what is left of it from before the last start is not what was sent.`,
    hint: 'Begin a new one.',
    cause,
  })
}
