import type { Script } from '../shell/script.ts'
import { pathScript, readPaths } from './path-facts.ts'
import type { Asked, Seen } from './resource-type.ts'
import { readUnits, unitScript } from './unit-facts.ts'

/** Paths and units of all, each with one script; undefined where nobody asks for any. */
export function askTogether(all: readonly Asked[]): { paths: Script | undefined; units: Script | undefined } {
  const paths = pathsOf(all)
  const units = unitsOf(all)
  return {
    paths: paths.length === 0 ? undefined : pathScript(paths),
    units: units.length === 0 ? undefined : unitScript(units),
  }
}

/** For each what it has asked for. Undefined: the host has said nothing whole. */
export function readTogether(
  all: readonly Asked[],
  said: { paths: Buffer | undefined; units: Buffer | undefined },
): Seen[] {
  const paths = readPaths(said.paths, pathsOf(all))
  const names = unitsOf(all)
  const units = readUnits(said.units, names.length)
  let at = 0
  return all.map((one) => ({
    paths: paths.slice(at, (at += one.paths?.length ?? 0)),
    units: typeof units === 'string' ? units : (one.units ?? []).map((name) => units[names.indexOf(name)]!),
  }))
}

const pathsOf = (all: readonly Asked[]) => all.flatMap(({ paths = [] }) => paths)

/** Each once: several types may look at one. */
const unitsOf = (all: readonly Asked[]) => [...new Set(all.flatMap(({ units = [] }) => units))]
