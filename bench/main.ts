// npm run bench -- NAME [--json] [--runs N] [--case NAME]…: Larder beside its peers. bench/README.md has the last table.
import { parseArgs } from 'node:util'
import { aptBench } from './apt/bench.ts'
import { buildBench } from './build/bench.ts'
import { fleetBench } from './fleet/bench.ts'
import { hooksBench } from './hooks/bench.ts'
import { registryBench } from './registry/bench.ts'
import { rpmBench } from './rpm/bench.ts'
import { ensurePackages } from '../scripts/debian-packages.ts'
import { createReport, type Bench } from './report.ts'

const benches: Record<string, Bench> = {
  apt: aptBench,
  build: buildBench,
  fleet: fleetBench,
  hooks: hooksBench,
  registry: registryBench,
  rpm: rpmBench,
}

const { values, positionals } = readArguments()
const [name = ''] = positionals
const bench = benches[name]
const runs = Number(values.runs)
if (bench === undefined || positionals.length !== 1 || !Number.isInteger(runs) || runs < 1) explainUse()
const unknown = values.case.filter((one) => !bench.cases.includes(one))
if (unknown.length > 0) {
  console.error(`no such case: ${unknown.join(', ')}; there are: ${bench.cases.join(', ')}`)
  process.exit(2)
}
const obstacle = await ensurePackages(bench.packages, (line) => console.error(line))
if (obstacle !== undefined) {
  console.error(`${name} cannot be measured here: ${obstacle}`)
  process.exit(1)
}
const report = createReport({ bench: name, json: values.json })
const wanted = values.case.length === 0 ? bench.cases : values.case
await bench.run({ report, runs, wants: (one) => wanted.includes(one), root: process.cwd() })
report.end()

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        json: { type: 'boolean', default: false },
        runs: { type: 'string', default: '5' },
        case: { type: 'string', multiple: true, default: [] },
      },
    })
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    console.error(error.message.split('. ', 1)[0])
    return explainUse()
  }
}

function explainUse(): never {
  console.error('npm run bench -- NAME [--json] [--runs N] [--case CASE]…')
  for (const [known, { cases }] of Object.entries(benches)) console.error(`  ${known}: ${cases.join(', ')}`)
  process.exit(2)
}
