import type { State } from '../../state/index.ts'
import type { OciDigest, RepositoryName } from '../reference.ts'

export interface CachedReference {
  digest: OciDigest
  /** When the other registry last said that this is what it means. */
  checkedAt: Date
  usedAt: Date
}

interface Named {
  repository: RepositoryName
  /** A tag or a digest, as clients ask for it. */
  reference: string
}

/** What was read through from other registries, and when it was last wanted. A manifest that stands here is kept. */
export class CachedRows {
  readonly #state: State

  constructor(state: State) {
    this.#state = state
  }

  async find({ repository, reference }: Named): Promise<CachedReference | undefined> {
    const row = await this.#state.db
      .selectFrom('oci_cached')
      .select(['digest', 'checked_at', 'used_at'])
      .where('repository', '=', repository)
      .where('reference', '=', reference)
      .executeTakeFirst()
    if (row === undefined) return undefined
    const { digest, checked_at, used_at } = row
    return { digest: digest as OciDigest, checkedAt: new Date(checked_at), usedAt: new Date(used_at) }
  }

  /** Its manifest is there. Made again after a power cut, at the price of one question. */
  async put({ repository, reference }: Named, digest: OciDigest, now: Date): Promise<void> {
    const times = { checked_at: now.toISOString(), used_at: now.toISOString() }
    await this.#state.relaxedTransaction((transaction) =>
      transaction
        .insertInto('oci_cached')
        .values({ repository, reference, digest, ...times })
        .onConflict((conflict) => conflict.columns(['repository', 'reference']).doUpdateSet({ digest, ...times }))
        .execute(),
    )
  }

  async touch({ repository, reference }: Named, now: Date): Promise<void> {
    await this.#state.relaxedTransaction((transaction) =>
      transaction
        .updateTable('oci_cached')
        .set({ used_at: now.toISOString() })
        .where('repository', '=', repository)
        .where('reference', '=', reference)
        .execute(),
    )
  }

  async remove({ repository, reference }: Named): Promise<void> {
    await this.#state.relaxedTransaction((transaction) =>
      transaction
        .deleteFrom('oci_cached')
        .where('repository', '=', repository)
        .where('reference', '=', reference)
        .execute(),
    )
  }

  /** Below a prefix, those that nobody wanted since. */
  unused(prefix: string, since: Date): Promise<{ repository: string; reference: string }[]> {
    return this.#state.db
      .selectFrom('oci_cached')
      .select(['repository', 'reference'])
      .where('repository', '>=', `${prefix}/`)
      .where('repository', '<', `${prefix}0`)
      .where('used_at', '<', since.toISOString())
      .execute()
  }
}
