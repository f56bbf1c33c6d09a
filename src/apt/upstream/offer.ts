import type { Release } from '../release.ts'

export type OfferedPart = 'suites' | 'components' | 'architectures'

/** Names that an upstream has, of the parts for which it says so: `context.offer` of an error about what it has not. */
export type Offer = Partial<Record<OfferedPart, readonly string[]>>

/** What a Release says that it has. */
export function offerOf(release: Release): Offer {
  const components = componentsOf(release)
  const { architectures } = release
  return { ...(components.length > 0 && { components }), ...(architectures.length > 0 && { architectures }) }
}

/** As they are asked for: some name theirs with a folder before, `updates/main`. */
export function componentsOf({ components }: Pick<Release, 'components'>): string[] {
  return components.map((component) => component.slice(component.lastIndexOf('/') + 1))
}
