import { wishesOf, type MirrorPackage } from '../mirror/index.ts'
import { closureRequestOf } from './closure-request.ts'
import { addedEntries } from './closure/added-entries.ts'
import type { AptResolution } from './format.ts'
import type { AptRequest, LoadedUpstreams } from './loaded-upstreams.ts'

/** What is known of a mirror when it is resolved again: objects of what stays as it is are taken over. */
export interface Earlier {
  /** A resolution in the same universe, whose rows mean the same: one whose list has only grown, or else the last. */
  inUniverse: Pick<AptResolution, 'binaries' | 'rows' | 'reasons' | 'closure'> | undefined
  /** What the mirror held, or was resolved to, in whatever universe. */
  held: readonly MirrorPackage[]
}

interface Known {
  question: string
  resolution: AptResolution
}

/**
 * The last resolution in each universe, and the one that it was made of. The run after a push asks what its check has
 * asked, and both cost as much as the whole mirror does, not as the change; pull requests each add to the same list. What
 * fails is not kept: it is rare, and its message names places in the list.
 */
export class ResolutionMemory {
  readonly #known = new WeakMap<LoadedUpstreams['universe'], readonly Known[]>()
  readonly #held = new Map<string, readonly MirrorPackage[]>()

  resolve(loaded: LoadedUpstreams, request: AptRequest, resolve: (earlier: Earlier) => AptResolution): AptResolution {
    const question = questionOf(request)
    const known = this.#known.get(loaded.universe) ?? []
    const same = known.find((one) => one.question === question)
    if (same !== undefined) return same.resolution
    const asked = closureRequestOf(request)
    const grown = known.find(({ resolution }) => addedEntries(resolution.closure.request, asked) !== undefined)
    const from = grown ?? known[0]
    const resolution = resolve({ inUniverse: from?.resolution, held: this.#held.get(request.name) ?? [] })
    this.#known.set(loaded.universe, [{ question, resolution }, ...(from === undefined ? [] : [from])])
    this.hold(request.name, resolution.binaries)
    return resolution
  }

  /** Offers packages of a mirror to its next resolution. */
  hold(mirror: string, packages: readonly MirrorPackage[]): void {
    this.#held.delete(mirror)
    this.#held.set(mirror, packages)
    const [oldest] = this.#held.keys()
    if (this.#held.size > heldMirrors && oldest !== undefined) this.#held.delete(oldest)
  }
}

const heldMirrors = 16

/** All of the request but where in its file a package is listed. */
function questionOf({ mirror, list }: AptRequest): string {
  return `${wishesOf(list)} ${JSON.stringify(mirror)}`
}
