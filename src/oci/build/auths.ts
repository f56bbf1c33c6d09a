import type { BuildRegistry } from './image-builder.ts'

/** Source: containers-auth.json(5), which Docker's config.json is like. */
export function authsOf(registries: readonly BuildRegistry[]): Record<string, { auth: string }> {
  const known = registries.filter(({ username }) => username !== undefined)
  return Object.fromEntries(
    known.map(({ host, username = '', password = '' }) => [
      host,
      { auth: Buffer.from(`${username}:${password}`).toString('base64') },
    ]),
  )
}
