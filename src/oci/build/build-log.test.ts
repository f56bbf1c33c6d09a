import { expect, it } from 'vitest'
import { BuildLog } from './build-log.ts'
import { parseDockerfile } from './dockerfile.ts'

const dockerfile = parseDockerfile('FROM a\nRUN make\n', 'Dockerfile')

/** What a build that said this, and ended so, comes to. */
function failureOf(lines: readonly string[], exitCode = 1): string {
  const log = new BuildLog(dockerfile, { log: () => undefined, logBytes: 1e6 })
  for (const line of ['Step 2/2 : RUN make', ...lines]) log.add(line)
  const { code, message } = log.failure('Dockerfile', exitCode)
  return code === 'BUILD_FAILED' ? message : code
}

const failed = (why: string): string => `Dockerfile:2: RUN make: ${why}.`

it.each([
  ['Docker', ["The command '/bin/sh -c make' returned a non-zero code: 2"], 1, failed('it ended with status 2')],
  [
    'buildah',
    ['Error: building at STEP "RUN make": while running runtime: exit status 2'],
    2,
    failed('it ended with status 2'),
  ],
  [
    'BuildKit',
    ['error: failed to solve: process "make" did not complete successfully: exit code: 2'],
    1,
    failed('it ended with status 2'),
  ],
  ['Docker, of the engine', ['Error response from daemon: no space'], 1, failed('no space')],
  [
    'a program that was killed',
    ['Error: building at STEP "RUN make": exit status 137'],
    137,
    failed('it ended with status 137'),
  ],
  [
    'a program that speaks like a client without an engine',
    ['unexpected EOF', "The command 'make' returned a non-zero code: 2"],
    1,
    failed('it ended with status 2'),
  ],
  ['nothing is said', ['making'], 1, 'BUILD_ENGINE_FAILED'],
  [
    'an engine of Docker that ends, after an error of the program',
    ['Error: of make', 'unexpected EOF'],
    1,
    'BUILD_ENGINE_FAILED',
  ],
  [
    'an engine of Docker that is not there',
    ['Cannot connect to the Docker daemon at unix:///x. Is it running?'],
    1,
    'BUILD_ENGINE_FAILED',
  ],
  ['buildah that is killed, after an error of the program', ['Error: of make'], 137, 'BUILD_ENGINE_FAILED'],
  [
    'a daemon of BuildKit that ends',
    ['error: of make', 'error: failed to receive status: rpc error: code = Unavailable'],
    1,
    'BUILD_ENGINE_FAILED',
  ],
  [
    'one that ends while it solves',
    ['error: failed to solve: rpc error: code = Unavailable desc = closing'],
    1,
    'BUILD_ENGINE_FAILED',
  ],
])('%s', (_, lines, exitCode, expected) => {
  expect(failureOf(lines, exitCode)).toBe(expected)
})
