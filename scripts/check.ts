// npm run check [-- NAME…]: lint and types, format, arrows between the rooms, dead code.
import { checkNames, describeCheck, runChecks } from './checks.ts'

const names = process.argv.slice(2)
const unknown = names.filter((name) => !checkNames.includes(name))
if (unknown.length > 0) {
  console.error(`no such check: ${unknown.join(', ')}; there are: ${checkNames.join(', ')}`)
  process.exit(2)
}
const results = await runChecks(names.length === 0 ? checkNames : names, (result) => console.log(describeCheck(result)))
process.exitCode = results.every((result) => result.exitCode === 0) ? 0 : 1
