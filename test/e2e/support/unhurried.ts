import { isLarderError } from '../../../src/core/index.ts'

/** The controller takes so many requests a minute from one address, and says when it is too many: then it waits. */
export async function unhurried<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (!isLarderError(error, 'RATE_LIMITED')) throw error
      await new Promise((resolve) => setTimeout(resolve, 1000))
    }
  }
}
