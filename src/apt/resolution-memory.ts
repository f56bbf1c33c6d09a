import { digestOf } from '../core/index.ts'
import type { MirrorPackage } from '../mirror/index.ts'
import type { AptResolution } from './format.ts'
import type { AptRequest, LoadedUpstreams } from './loaded-upstreams.ts'

/** What is known of a mirror when it is resolved again: objects of what stays as it is are taken over. */
export interface Earlier {
  /** The last resolution in the same universe, whose rows mean the same. */
  inUniverse: Pick<AptResolution, 'binaries' | 'rows' | 'reasons'> | undefined
  /** What the mirror held, or was resolved to, in whatever universe. */
  held: readonly MirrorPackage[]
}

/**
 * The last resolution in each universe. The run after a push asks what its check has asked, and both cost as much as
 * the whole mirror does, not as the change. What fails is not kept: it is rare, and its message names places in the list.
 */
export class ResolutionMemory {
  readonly #known = new WeakMap<LoadedUpstreams['universe'], { question: string; resolution: AptResolution }>()
  readonly #held = new Map<string, readonly MirrorPackage[]>()

  resolve(loaded: LoadedUpstreams, request: AptRequest, resolve: (earlier: Earlier) => AptResolution): AptResolution {
    const question = questionOf(request)
    const known = this.#known.get(loaded.universe)
    if (known?.question === question) return known.resolution
    const resolution = resolve({ inUniverse: known?.resolution, held: this.#held.get(request.name) ?? [] })
    this.#known.set(loaded.universe, { question, resolution })
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
  let names = wishes.get(list)
  if (names === undefined) {
    names = digestOf(JSON.stringify(list.map((one) => ({ ...one, position: undefined }))))
    wishes.set(list, names)
  }
  return `${names} ${JSON.stringify(mirror)}`
}

/** Of lists that were asked about: the run has the very list of its check. */
const wishes = new WeakMap<AptRequest['list'], string>()
