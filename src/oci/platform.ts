/** What an image is for. Source: OCI image-spec, image-index.md, `platform`; the words are those of Go. */
export interface Platform {
  os: string
  architecture: string
  /** Of the processor: `v7` of `arm`. */
  variant?: string
}

/** `linux/arm64`, `linux/arm/v7`. The variant that all of `arm64` are is left out, as clients do. */
export function parsePlatform(text: string): Platform {
  const [os = '', architecture = '', variant] = text.split('/')
  const isPlain = variant === undefined || (architecture === 'arm64' && variant === 'v8')
  return { os, architecture, ...(isPlain ? {} : { variant }) }
}

export function platformName({ os, architecture, variant }: Platform): string {
  return [os, architecture, ...(variant === undefined ? [] : [variant])].join('/')
}

/** Of this host, whose programs run without further ado. */
export function hostPlatform(): Platform {
  return { os: 'linux', architecture: architectures[process.arch] ?? process.arch }
}

/** What Node calls otherwise than Go does. */
const architectures: Partial<Record<NodeJS.Architecture, string>> = { x64: 'amd64', ia32: '386', ppc64: 'ppc64le' }
