import { isLarderError, type LarderError } from '../../core/index.ts'
import type { ForgeApi } from '../../forge/index.ts'

/**
 * Who may approve, asked of the forge once for all news that are worked on together. When it does not answer, it is asked
 * about nobody else: each question may take half a minute. FORGE_UNREACHABLE, FORGE_REFUSED.
 */
export function createApprovers(
  api: Pick<ForgeApi, 'mayApprove'> | undefined,
  signal: AbortSignal,
): (login: string) => Promise<boolean> {
  const known = new Map<string, boolean>()
  let outage: LarderError | undefined
  return async (login) => {
    if (outage !== undefined) throw outage
    try {
      const may = known.get(login) ?? (await api?.mayApprove(login, signal)) ?? false
      known.set(login, may)
      return may
    } catch (error) {
      if (isLarderError(error, 'FORGE_UNREACHABLE')) outage = error
      throw error
    }
  }
}
