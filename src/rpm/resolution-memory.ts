import { wishesOf } from '../mirror/index.ts'
import type { RpmResolution } from './format.ts'
import type { LoadedUpstreams, RpmRequest } from './loaded-upstreams.ts'

/**
 * The last resolution in each universe: loading asks for it to learn which files must be known, the plan asks again,
 * and so does the run after a push. What fails is not kept: it is rare, and its message names places in the list.
 */
export class ResolutionMemory {
  readonly #known = new WeakMap<LoadedUpstreams['universe'], { question: string; resolution: RpmResolution }>()

  resolve(loaded: LoadedUpstreams, request: RpmRequest, resolve: () => RpmResolution): RpmResolution {
    const question = questionOf(request)
    const known = this.#known.get(loaded.universe)
    if (known?.question === question) return known.resolution
    const resolution = resolve()
    this.#known.set(loaded.universe, { question, resolution })
    return resolution
  }
}

/** All of the request but where in its file a package is listed. */
function questionOf({ mirror, list }: RpmRequest): string {
  return `${wishesOf(list)} ${JSON.stringify(mirror)}`
}
