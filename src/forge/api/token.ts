import { LarderError } from '../../core/index.ts'
import type { ForgeCredentials } from '../forge.ts'

/** The token for a forge that knows no Apps. CONFIG_INVALID when it is given one. */
export function tokenOf(credentials: ForgeCredentials | undefined, title: string): string | undefined {
  if (credentials === undefined) return undefined
  if (credentials.kind === 'token') return credentials.token
  throw new LarderError('CONFIG_INVALID', {
    message: `forge.app in controller.yaml is for GitHub; ${title} knows no such Apps.`,
    hint: 'Give a tokenFile instead.',
  })
}
