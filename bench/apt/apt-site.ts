import type { BenchSite } from '../larder.ts'

/** What of an upstream is mirrored. */
export interface Origin {
  suite: string
  architecture: string
  /** File with the keys that sign it. */
  keyring: string
}

/** `contents`: Contents files too. */
export function aptSite(upstreamUrl: string, { suite, architecture, keyring }: Origin, contents = false): BenchSite {
  const larderYaml = `site: bench
upstreams:
  upstream: { format: apt, url: '${upstreamUrl}/', keys: [upstream-keys.gpg] }
mirrors:
  base: { format: apt, upstreams: [upstream], suite: ${suite}, components: [main], architectures: [${architecture}], contents: ${String(contents)}, packages: packages.json }
`
  return { larderYaml, keyring, published: `/apt/base/dists/${suite}/InRelease` }
}
