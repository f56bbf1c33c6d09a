import type { ResolveRoom } from '../resource/resource-type.ts'

/** What turns a service that is declared into what is wanted on its machines. */
export interface ServiceRoom extends Omit<ResolveRoom, 'image'> {
  /** The version of an image that services are to run now: reference with digest. FLEET_IMAGE_UNKNOWN. */
  image(name: string): Promise<ServiceImage>
  registry: ServiceRegistry
}

export interface ServiceImage {
  reference: string
  digest: string
  version: string
}

/** Where images come from, as machines reach that. */
export interface ServiceRegistry {
  /** Name and port, as they stand in a reference. */
  host: string
  /** PEM, of whoever has certified it. Undefined: without TLS, or by somebody whom everybody trusts. */
  authority: string | undefined
  /** Without TLS. */
  isPlain: boolean
}
