import { ownValue } from '../../core/index.ts'
import type { Publication } from '../../publish/index.ts'
import { getSetting, setSetting, type State } from '../../state/index.ts'

export interface PublicationWatchOptions {
  state: State
  /** What clients of every mirror see now. */
  current: () => Promise<readonly Publication[]>
  /** All that are kept of a mirror, newest first. */
  kept: (mirror: string) => Promise<readonly Publication[]>
  onSwitched: (publication: Publication, before: number | undefined) => Promise<void>
}

/**
 * Tells of every publication that was switched to since the last look, by whatever did that: a run, a promotion, a
 * rollback, a signature that was renewed; of each, in their order, as long as it is kept.
 */
export interface PublicationWatch {
  /** One at a time. The first look ever tells of nothing. */
  look(): Promise<void>
}

const seenKey = 'notify/publications'

export function createPublicationWatch({
  state,
  current,
  kept,
  onSwitched,
}: PublicationWatchOptions): PublicationWatch {
  let turn: Promise<unknown> = Promise.resolve()
  const look = async (): Promise<void> => {
    const text = await getSetting(state, seenKey)
    const seen = text === undefined ? undefined : (JSON.parse(text) as Record<string, number>)
    const publications = await current()
    const now = Object.fromEntries(publications.map(({ mirror, generation }) => [mirror, generation]))
    const next = JSON.stringify({ ...seen, ...now })
    if (next === text) return
    for (const publication of seen === undefined ? [] : publications) {
      let before = ownValue(seen, publication.mirror)
      if (before === publication.generation) continue
      for (const one of await switchedTo(publication, before ?? 0)) {
        await onSwitched(one, before)
        before = one.generation
      }
    }
    await setSetting(state, seenKey, next)
  }
  const switchedTo = async (now: Publication, after: number): Promise<Publication[]> => {
    const between = (await kept(now.mirror)).filter(
      ({ generation }) => generation > after && generation < now.generation,
    )
    return [...between.reverse(), now]
  }
  return {
    look() {
      const done = turn.then(look)
      turn = done.catch(() => undefined)
      return done
    },
  }
}
