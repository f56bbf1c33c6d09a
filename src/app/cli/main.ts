import { version } from './version.ts'

// Answered before anything heavy is loaded: scripts ask for the version often.
const [first] = process.argv.slice(2)
if (first === '--version' || first === '-V') process.stdout.write(`${version}\n`)
else {
  const { runProgram } = await import('./program.ts')
  process.exitCode = await runProgram(process.argv)
}
