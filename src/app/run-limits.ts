import { Mutex } from '../core/index.ts'
import { getSetting, setSetting, type State } from '../state/index.ts'

/** Runs that somebody may still want to try again. */
const kept = 200

/** Which machines, or services, a run is about, where it is not about all. */
export interface RunLimits {
  of(runId: string): Promise<readonly string[] | undefined>
  set(runId: number, names: readonly string[]): Promise<void>
}

/** Of the newest 200 such runs, in a setting of this key. */
export function createRunLimits(state: State, key = 'machines/limits'): RunLimits {
  const turn = new Mutex()
  const read = async (): Promise<[number, string[]][]> =>
    JSON.parse((await getSetting(state, key)) ?? '[]') as [number, string[]][]
  return {
    of: async (runId) => (await read()).find(([id]) => String(id) === runId)?.[1],
    set: (runId, names) =>
      turn.run(async () => {
        const limits = [...(await read()), [runId, names]].slice(-kept)
        await setSetting(state, key, JSON.stringify(limits))
      }),
  }
}
