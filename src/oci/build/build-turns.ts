/** Builds of an engine go on side by side; what it kept for them is forgotten only while there are none. */
export class BuildTurns {
  /** Those that are under way, and those that wait for the end of forgetting. */
  #builds = 0
  #forgetting: Promise<number> | undefined

  async build<T>(work: () => Promise<T>): Promise<T> {
    this.#builds++
    try {
      // Whoever asked for it is told how it ended.
      await this.#forgetting?.catch(() => undefined)
      return await work()
    } finally {
      this.#builds--
    }
  }

  /** Does nothing while somebody builds or forgets. The work looks at `mayGoOn` between two of its steps. */
  async forget(work: (mayGoOn: () => boolean) => Promise<number>): Promise<number> {
    if (this.#builds > 0 || this.#forgetting !== undefined) return 0
    this.#forgetting = work(() => this.#builds === 0)
    try {
      return await this.#forgetting
    } finally {
      this.#forgetting = undefined
    }
  }
}
