import type { MirrorMemory } from '../mirror/index.ts'
import { getSetting, removeSetting, setSetting, type State } from '../state/index.ts'

export interface LastingMirrorMemory extends MirrorMemory {
  /** Nothing is believed of the publication any more: the next apply resolves, looks for every blob and publishes. */
  forgetInputs(mirror: string): Promise<void>
}

/** What is remembered of each mirror, in the database. */
export function createMirrorMemory(state: State): LastingMirrorMemory {
  const keyOf = (mirror: string): string => `mirror/${mirror}/inputs`
  return {
    getInputs: (mirror) => getSetting(state, keyOf(mirror)),
    setInputs: (transaction, mirror, inputs) => setSetting({ db: transaction }, keyOf(mirror), inputs),
    forgetInputs: (mirror) => removeSetting(state, keyOf(mirror)),
  }
}
