/** An arrow of an order: `to` waits for `from`. */
interface Arrow {
  readonly from: number
  readonly to: number
}

/**
 * For each of `count` things, what comes first. What somebody has written counts always (circles in it are told by who
 * works by the order); what follows from types counts where it makes no circle.
 */
export function orderOf(count: number, written: readonly Arrow[], implied: readonly Arrow[]): ReadonlySet<number>[] {
  const before = Array.from({ length: count }, () => new Set<number>())
  for (const { from, to } of written) before[to]?.add(from)
  for (const { from, to } of implied) {
    if (from !== to && !waitsFor(before, from, to)) before[to]?.add(from)
  }
  return before
}

function waitsFor(before: readonly ReadonlySet<number>[], one: number, other: number): boolean {
  const seen = new Set<number>()
  const open = [one]
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (at === other) return true
    if (seen.has(at)) continue
    seen.add(at)
    open.push(...(before[at] ?? []))
  }
  return false
}
