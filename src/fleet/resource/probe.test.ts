import { expect, it } from 'vitest'
import { runScript } from '../testing/run-script.ts'
import { lines, sh } from '../shell/script.ts'
import { probeScript } from './probe.ts'

it.each([
  ['true', 0],
  ['exit 1', 1],
  ['exit 69', 1],
  ['kill -9 $$', 1],
])('a command that does %j answers with %d, and ends nothing but itself', (command, code) => {
  const script = sh`if ${probeScript({ command })}; then echo 0; else echo $?; fi`
  expect(runScript(lines(sh`set -eu`, script)).stdout.toString()).toBe(`${code}\n`)
})
