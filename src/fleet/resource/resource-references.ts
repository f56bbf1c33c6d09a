import type { DeclaredResource } from './parse-resources.ts'

/** The resources that a name means: an id, `type:subject`, or all that begin with what stands before a last `*`. */
export function referredTo(name: string, all: readonly DeclaredResource[]): DeclaredResource[] {
  if (!name.endsWith('*')) return all.filter((one) => one.id === name || one.aliases.includes(name))
  const start = name.slice(0, -1)
  return all.filter((one) => one.aliases.some((alias) => alias.startsWith(start)))
}

/** All names that can be written, for suggestions. */
export function namesOfResources(all: readonly DeclaredResource[]): string[] {
  return [...new Set(all.flatMap(({ id, aliases }) => [id, ...aliases]))]
}
