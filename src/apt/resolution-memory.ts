import { digestOf } from '../core/index.ts'
import type { AptResolution } from './format.ts'
import type { AptRequest, LoadedUpstreams } from './loaded-upstreams.ts'

/**
 * The last resolution in each universe. The run after a push asks what its check has asked, and both cost as much as
 * the whole mirror does, not as the change. What fails is not kept: it is rare, and its message names places in the list.
 */
export class ResolutionMemory {
  readonly #known = new WeakMap<LoadedUpstreams['universe'], { question: string; resolution: AptResolution }>()

  resolve(loaded: LoadedUpstreams, request: AptRequest, resolve: () => AptResolution): AptResolution {
    const question = questionOf(request)
    const known = this.#known.get(loaded.universe)
    if (known?.question === question) return known.resolution
    const resolution = resolve()
    this.#known.set(loaded.universe, { question, resolution })
    return resolution
  }
}

/** All of the request but where in its file a package is listed. */
function questionOf({ mirror, list }: AptRequest): string {
  return digestOf(JSON.stringify([mirror, list.map((one) => ({ ...one, position: undefined }))]))
}
