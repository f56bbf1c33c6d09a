const units = ['B', 'kB', 'MB', 'GB', 'TB'] as const

/** `12.3 MB`: powers of 1000, as apt and df -H print them. */
export function formatBytes(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000
    unit += 1
  }
  return unit === 0 ? `${value} B` : `${value.toFixed(1)} ${units[unit] ?? ''}`
}
