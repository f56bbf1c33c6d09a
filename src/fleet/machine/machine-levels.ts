/**
 * The order in which machines come up: each level when all of the one before it are ready. With `cycle` when there is no
 * such order: names that wait for each other, the first one again at the end. Names that are not declared count for nothing.
 */
export function machineLevels(machines: Readonly<Record<string, { after: readonly string[] }>>): {
  levels: string[][]
  cycle: string[] | undefined
} {
  const waiting = new Set(Object.keys(machines))
  const levels: string[][] = []
  while (waiting.size > 0) {
    const level = [...waiting].filter((name) => machines[name]!.after.every((other) => !waiting.has(other)))
    if (level.length === 0) return { levels, cycle: findCycle(machines, waiting) }
    for (const name of level) waiting.delete(name)
    levels.push(level)
  }
  return { levels, cycle: undefined }
}

/** Whoever waits for somebody who waits comes by the same name again. */
function findCycle(
  machines: Readonly<Record<string, { after: readonly string[] }>>,
  waiting: ReadonlySet<string>,
): string[] {
  const way: string[] = []
  let name = [...waiting][0]
  while (name !== undefined && !way.includes(name)) {
    way.push(name)
    name = machines[name]?.after.find((other) => waiting.has(other))
  }
  return name === undefined ? way : [...way.slice(way.indexOf(name)), name]
}
