import Table from 'cli-table3'

export interface Bench {
  cases: readonly string[]
  /** Of Debian, and what each is for; installed where they are missing. */
  packages: Readonly<Record<string, string>>
  run(context: BenchContext): Promise<void>
}

export interface BenchContext {
  report: Report
  /** Pairs of measurements. */
  runs: number
  wants(caseName: string): boolean
  /** The clone. */
  root: string
}

/** One result. `larder` and `peer` are medians; `ratio` is the median of the pairwise ratios. */
export interface BenchResult {
  case: string
  unit: string
  larder: number
  peer?: number
  peerName?: string
  ratio?: number
  /** In the terms of `ratio`, or of `larder` where there is no peer. */
  target?: number
  runs: number
  peakMiB?: number
}

export interface Report {
  add(result: BenchResult): void
  /** What a reader should know beside the figures; not part of the JSON. */
  note(line: string): void
  end(): void
}

/** With `json` one object a line on standard output and nothing else; otherwise a table at the end. */
export function createReport({ bench, json }: { bench: string; json: boolean }): Report {
  const results: BenchResult[] = []
  return {
    add(result) {
      results.push(result)
      if (json) console.log(JSON.stringify(jsonOf(bench, result)))
      else console.error(`  ${result.case}: ${figure(result.larder, result.unit)}`)
    },
    note: (line) => {
      console.error(line)
    },
    end() {
      if (!json) console.log(tableOf(results))
    },
  }
}

function jsonOf(bench: string, result: BenchResult): Record<string, unknown> {
  const { case: name, unit, larder, peer, peerName, ratio, target, runs, peakMiB } = result
  return {
    bench,
    case: name,
    unit,
    larder: rounded(larder),
    peer: peer === undefined ? null : rounded(peer),
    peerName: peerName ?? null,
    ratio: ratio === undefined ? null : rounded(ratio),
    target: target ?? null,
    met: isMet(result) ?? null,
    runs,
    peakMiB: peakMiB === undefined ? null : Math.round(peakMiB),
  }
}

function tableOf(results: readonly BenchResult[]): string {
  const table = new Table({
    head: ['case', 'Larder', 'peer', 'ratio', 'target', '', 'peak MiB'],
    style: { head: [], border: [] },
  })
  for (const result of results) {
    const { unit, larder, peer, peerName, ratio, target, peakMiB } = result
    const met = isMet(result)
    table.push([
      result.case,
      figure(larder, unit),
      peer === undefined ? '' : `${figure(peer, unit)} ${peerName ?? ''}`,
      ratio === undefined ? '' : ratio.toFixed(3),
      target === undefined ? '' : `≤ ${ratio === undefined ? figure(target, unit) : target}`,
      met === undefined ? '' : met ? 'met' : 'MISSED',
      peakMiB === undefined ? '' : Math.round(peakMiB),
    ])
  }
  return table.toString()
}

function isMet({ larder, ratio, target }: BenchResult): boolean | undefined {
  return target === undefined ? undefined : (ratio ?? larder) <= target
}

function figure(value: number, unit: string): string {
  return `${value >= 100 ? Math.round(value) : Number(value.toPrecision(3))} ${unit}`
}

function rounded(value: number): number {
  return Number(value.toPrecision(4))
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** Of two series that were measured in turn. */
export function medianRatio(larder: readonly number[], peer: readonly number[]): number {
  return median(larder.map((value, index) => value / peer[index]!))
}
