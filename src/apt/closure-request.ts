import type { ClosureRequest } from './closure/request.ts'
import type { AptRequest } from './loaded-upstreams.ts'
import type { AptMirrorConfig } from './mirror-config.ts'

/** What a mirror asks of its upstreams, as the site says it. */
export function closureRequestOf({ list, mirror }: AptRequest): ClosureRequest {
  const { base, recommends, exclude } = mirror as AptMirrorConfig & { recommends?: boolean; exclude?: string[] }
  return { listed: list, base, recommends: recommends ?? false, exclude: exclude ?? [] }
}
