import type { ForgeEvent } from '../../forge/index.ts'
import type { StoredEvent } from '../../pipeline/index.ts'

type DeliveryKey = Pick<StoredEvent, 'repository' | 'deliveryId'>

/** A forge that is away for days may send more than there should be memory for: the rest is read again. */
const mostMeanings = 5000
/** Heads that deliveries have told of: the last ones come again, the others hardly. */
const mostHeads = 1000

/** What deliveries were understood as when they came, until they are settled. */
export class DeliveryMeanings {
  readonly #meanings = new Map<string, ForgeEvent>()
  readonly #heads = new Set<string>()

  understood(delivery: DeliveryKey, meaning: ForgeEvent): void {
    if (this.#meanings.size < mostMeanings) this.#meanings.set(keyOf(delivery), meaning)
  }

  /** Undefined: it came before the start, or is forgotten. */
  of(delivery: DeliveryKey): ForgeEvent | undefined {
    return this.#meanings.get(keyOf(delivery))
  }

  /**
   * Whether somebody may wait for what comes of it: not for what is ignored, nor for a push that was told of before, which
   * is most of a flood.
   */
  isUrgent(delivery: DeliveryKey): boolean {
    const meaning = this.of(delivery)
    if (meaning?.kind === 'ignored') return false
    return meaning?.kind !== 'push' || !this.#heads.has(meaning.commit)
  }

  /** `isLast`: none is left that waits. */
  settled(deliveries: readonly DeliveryKey[], isLast: boolean): void {
    for (const one of deliveries) {
      const meaning = this.of(one)
      if (meaning?.kind === 'push') this.#heads.add(meaning.commit)
      this.#meanings.delete(keyOf(one))
    }
    if (this.#heads.size > mostHeads) this.#heads.clear()
    // What came once already is never settled; some of what comes now is read again.
    if (isLast && this.#meanings.size > mostMeanings / 10) this.#meanings.clear()
  }
}

const keyOf = ({ repository, deliveryId }: DeliveryKey): string => `${repository} ${deliveryId}`
