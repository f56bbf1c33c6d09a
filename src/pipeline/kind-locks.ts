interface Hold {
  run: number
  sections: readonly string[]
  isGranted: boolean
  grant(): void
}

/**
 * Which apply is at work on which kinds: branches are applied side by side, but a kind is looked at, changed and
 * verified by one run at a time. All that a run needs is asked for at once, and granted in the order of asking, so
 * that no two wait for each other.
 */
export class KindLocks {
  /** In the order of asking: those that are granted, and those that wait. */
  readonly #holds: Hold[] = []

  /**
   * Waits until no earlier run has any of these kinds, named by their sections. Answers what gives them back. `onWait`
   * is told whom it waits for. Throws the reason of the signal when that comes first.
   */
  async hold(
    run: number,
    sections: readonly string[],
    { signal, onWait }: { signal: AbortSignal; onWait?: (runs: readonly number[]) => void },
  ): Promise<() => void> {
    signal.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<undefined>()
    const hold: Hold = { run, sections, isGranted: false, grant: () => resolve(undefined) }
    this.#holds.push(hold)
    this.#grant()
    const release = (): void => this.#release(hold)
    if (hold.isGranted) return release
    onWait?.(this.#before(hold).map((earlier) => earlier.run))
    const giveUp = (): void => {
      release()
      reject(signal.reason as Error)
    }
    signal.addEventListener('abort', giveUp, { once: true })
    try {
      await promise
      signal.throwIfAborted()
    } finally {
      signal.removeEventListener('abort', giveUp)
    }
    return release
  }

  #release(hold: Hold): void {
    const index = this.#holds.indexOf(hold)
    if (index === -1) return
    this.#holds.splice(index, 1)
    this.#grant()
  }

  #grant(): void {
    for (const hold of this.#holds) {
      if (hold.isGranted || this.#before(hold).length > 0) continue
      hold.isGranted = true
      hold.grant()
    }
  }

  /** Those that asked earlier for something of the same. */
  #before(hold: Hold): Hold[] {
    const earlier = this.#holds.slice(0, this.#holds.indexOf(hold))
    return earlier.filter(({ sections }) => sections.some((section) => hold.sections.includes(section)))
  }
}
