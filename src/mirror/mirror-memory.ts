import type { Alongside } from '../publish/index.ts'

/** Small facts about a mirror that outlive a restart. */
export interface MirrorMemory {
  /**
   * What the publication was made from, so that an unchanged world is recognised without resolving anything.
   * Undefined when it was never known, or when `doctor` forgot it: then nothing is believed to be in the store.
   */
  getInputs(mirror: string): Promise<string | undefined>
  /** In the transaction of the switch: a crash never leaves one without the other. */
  setInputs(transaction: Parameters<Alongside>[0], mirror: string, inputs: string): Promise<void>
  /** Where nothing is switched: clients see just this already. */
  rememberInputs(mirror: string, inputs: string): Promise<void>
}
