import type { Descriptor } from '../descriptor.ts'
import type { Platform } from '../platform.ts'

/** Something on this host that makes an image of a Dockerfile and the files beside it. */
export interface ImageBuilder {
  readonly name: 'buildkit' | 'buildah' | 'docker'
  /** It runs programs of other processors by itself; others leave that to the kernel of this host. */
  readonly hasEmulators: boolean
  /** Whether it can be used here and now. */
  probe(): Promise<BuilderState>
  /**
   * Makes the image and writes it as an OCI image layout. Killed, cancelled or failed, it leaves nothing behind but
   * its cache. DOCKERFILE_MISSING, DOCKERFILE_INVALID, BUILD_FAILED, BUILD_BASE_UNREACHABLE, BUILD_BASE_PLATFORM,
   * BUILD_TIMEOUT, BUILD_LIMIT, BUILD_ENGINE_MISSING, BUILD_ENGINE_FAILED, CANCELLED.
   */
  build(request: BuildRequest): Promise<BuildResult>
  /**
   * Forgets what was not used for longest of what it keeps for later builds, until that takes no more than it may.
   * Nothing is taken while a build is under way, and a build that begins has it end. Answers how many images went.
   * Undefined: the engine sees to that by itself. BUILD_ENGINE_MISSING, BUILD_TIMEOUT, CANCELLED.
   */
  prune?(options: PruneOptions): Promise<number>
}

export interface PruneOptions {
  /** As builds are told. */
  cacheFolder: string
  maxBytes: number
  signal: AbortSignal
}

export type BuilderState =
  | { usable: true; version: string }
  /** `isInstalled`: its program is there, and something else is in the way. */
  | { usable: false; isInstalled: boolean; reason: string; hint: string }

export interface BuildRequest {
  /** Absolute: the files at the commit, written by us; no link in it leads out. */
  contextFolder: string
  /** Relative to the context. */
  dockerfile: string
  /** Stage to stop at. Default: the last one. */
  target?: string | undefined
  buildArgs: Readonly<Record<string, string>>
  /** `linux/amd64`. Default: this host's. */
  platform?: string | undefined
  labels: Readonly<Record<string, string>>
  /** What the image is dated, and what a Dockerfile that declares ARG SOURCE_DATE_EPOCH is told: time of the commit. */
  sourceDateEpoch: Date
  limits: BuildLimits
  /** `none`: nothing can be reached from RUN. */
  network: 'none' | 'host' | 'bridge'
  /** Absolute: kept between builds; may be deleted at any time. */
  cacheFolder: string
  /** Absolute, empty: gets the OCI image layout. */
  outputFolder: string
  /** Registries that base images may come from, besides what the engine knows by itself. */
  registries?: readonly BuildRegistry[] | undefined
  /** Lines of the build as they come. */
  log: (line: string) => void
  /** Takes secrets out of what is logged and of what errors repeat. Default: there are none. */
  mask?: ((line: string) => string) | undefined
  signal: AbortSignal
}

export interface BuildLimits {
  timeoutMs: number
  memoryBytes?: number | undefined
  /** Processors, in whole or in part. */
  cpus?: number | undefined
  /** Of everything that the build writes. */
  diskBytes?: number | undefined
  /** What is logged beyond is left out, with a note. */
  logBytes: number
}

export interface BuildRegistry {
  /** `registry.example.org:7443` */
  host: string
  /** PEM, of an authority that the host does not trust by itself. */
  caFile?: string | undefined
  username?: string | undefined
  password?: string | undefined
}

export interface BuildResult {
  /** Of the image's manifest in the layout. */
  manifest: Descriptor
  /** What the image is for, as it says itself. */
  platform: Platform
  /** What FROM named, and what that was then. */
  baseImages: readonly { name: string; digest: string | undefined }[]
}
