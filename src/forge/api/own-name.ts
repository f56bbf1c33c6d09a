import { isLarderError } from '../../core/index.ts'

/**
 * Who we are at a forge, asked once. Undefined: the forge does not tell those that sign in as we do, and comments of
 * others are then told from ours by their marker alone.
 */
export function createOwnName(ask: (signal: AbortSignal) => Promise<string>): OwnName {
  let name: string | undefined
  let isUnknown = false
  return async (signal) => {
    if (name !== undefined || isUnknown) return name
    try {
      name = await ask(signal)
    } catch (error) {
      if (!isLarderError(error, 'FORGE_REFUSED')) throw error
      isUnknown = true
    }
    return name
  }
}

export type OwnName = (signal: AbortSignal) => Promise<string | undefined>
