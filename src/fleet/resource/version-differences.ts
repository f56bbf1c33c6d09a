import type { Difference } from './resource-type.ts'

/** Of a package that is there in one version at a time. `installed`: undefined where it is not there. */
export function versionDifferences(
  { version, state }: { version?: string | undefined; state: 'present' | 'absent' },
  installed: string | undefined,
): Difference[] {
  if (state === 'absent') return installed === undefined ? [] : [{ what: 'version', from: installed }]
  if (installed !== undefined && (version === undefined || version === installed)) return []
  return [{ what: 'version', from: installed, to: version ?? 'installed' }]
}
