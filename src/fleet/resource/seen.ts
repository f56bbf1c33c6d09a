import { cutOff } from './fact-text.ts'
import type { PathFacts } from './path-facts.ts'
import type { Looked, Seen } from './resource-type.ts'

/** Of what asks for one path. */
export function seenPath({ paths: [facts] }: Seen): Looked<PathFacts> {
  return facts === undefined ? { known: false, why: cutOff } : { known: true, facts }
}

/** All that it asked for; undefined where one of them is unknown. */
export function seenPaths({ paths }: Seen): readonly PathFacts[] | undefined {
  const known = paths.filter((facts) => facts !== undefined)
  return known.length === paths.length ? known : undefined
}
