import { lines, sh, type Script } from '../shell/script.ts'
import { askedFile, namedDifferences, type DesiredFile } from './content.ts'
import { cutOff } from './fact-text.ts'
import type { PathFacts } from './path-facts.ts'
import type { Asked, Difference, Looked, Seen } from './resource-type.ts'
import { seenPaths } from './seen.ts'
import { isActive, isEnabled, type UnitFacts } from './unit-facts.ts'
import { writeFile } from './write-file.ts'

/** A unit that Larder writes, with the files that belong to it, and that runs. */
export interface DesiredUnit {
  /** The one that is enabled and started. */
  readonly unit: string
  readonly files: readonly DesiredFile[]
  readonly isAbsent: boolean
}

export interface UnitFilesFacts {
  readonly files: readonly PathFacts[]
  readonly unit: UnitFacts
}

export function unitFilesAsked({ unit, files }: DesiredUnit): Asked {
  return { paths: files.map(askedFile), units: [unit] }
}

export function readUnitFiles(seen: Seen): Looked<UnitFilesFacts> {
  const files = seenPaths(seen)
  const { units } = seen
  if (typeof units === 'string') return { known: false, why: units }
  return files === undefined ? { known: false, why: cutOff } : { known: true, facts: { files, unit: units[0]! } }
}

export function unitFilesDifferences({ files, isAbsent }: DesiredUnit, facts: UnitFilesFacts): Difference[] {
  if (isAbsent) return facts.files.every(({ kind }) => kind === 'absent') ? [] : [{ what: 'state', from: 'present' }]
  const content = files.flatMap((file, at) => namedDifferences(file, facts.files[at]!))
  const enabled = isEnabled(facts.unit) ? [] : [{ what: 'enabled', from: facts.unit.unitFileState, to: 'enabled' }]
  const active = isActive(facts.unit) ? [] : [{ what: 'running', from: facts.unit.activeState, to: 'active' }]
  const loaded =
    content.length === 0 && facts.unit.needsReload ? [{ what: 'loaded', from: 'an older text', to: 'this text' }] : []
  return [...content, ...loaded, ...enabled, ...active]
}

/** Writes all, and starts it anew with them. */
export function installUnit({ unit, files }: DesiredUnit): Script {
  return lines(
    ...files.map((file) => writeFile(file)),
    sh`systemctl daemon-reload
systemctl enable -q -- ${unit}
systemctl reset-failed -- ${unit} 2>/dev/null || :
systemctl restart -- ${unit} || { systemctl status --no-pager -n 20 -- ${unit} >&2 || :; exit 1; }`,
  )
}

export function removeUnit({ unit, files }: DesiredUnit): Script {
  return sh`systemctl disable --now -q -- ${unit} 2>/dev/null || :
rm -f -- ${files.map(({ path }) => path)}
systemctl daemon-reload`
}
