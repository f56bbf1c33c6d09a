import type { PieceCache } from '../index.ts'

/** A cache that keeps JSON, as the real one does; for tests. */
export function memoryCache(): PieceCache & { clear(): void } {
  const rows = new Map<string, string>()
  return {
    get: (space, key) => {
      const row = rows.get(`${space}/${key}`)
      return Promise.resolve(row === undefined ? undefined : (JSON.parse(row) as { value: unknown; blobs: [] }))
    },
    put: (space, key, entry) => {
      rows.set(`${space}/${key}`, JSON.stringify({ value: entry.value, blobs: entry.blobs ?? [] }))
      return Promise.resolve()
    },
    keys: (space, prefix) =>
      Promise.resolve(
        [...rows.keys()]
          .filter((row) => row.startsWith(`${space}/${prefix}`))
          .map((row) => row.slice(space.length + 1))
          .sort(),
      ),
    remove: (space, key) => {
      rows.delete(`${space}/${key}`)
      return Promise.resolve()
    },
    clear: () => rows.clear(),
  }
}
