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

it.each([
  ['an image that is not there', 'FROM a', 'manifest for a:latest not found: manifest unknown', 'BUILD_FAILED'],
  [
    'a registry that is not there',
    'FROM a',
    'Get "http://a/v2/": dial tcp: connection refused',
    'BUILD_BASE_UNREACHABLE',
  ],
  ['no shell', 'RUN make', 'OCI runtime create failed: exec: "/bin/sh": no such file or directory', 'BUILD_FAILED'],
  ['an engine that ends', 'RUN make', 'unexpected EOF', 'BUILD_ENGINE_FAILED'],
])('the last word of an engine that tells errors apart, %s, in whatever words', (_, instruction, word, code) => {
  const log = new BuildLog(dockerfile, { log: () => undefined, logBytes: 1e6 })
  for (const line of ['DEPRECATED: old', word]) log.add(line, true)
  // Of the other output, which may come later.
  for (const line of [`Step 1/2 : ${instruction}`, 'Error: of make', 'Removing intermediate container']) log.add(line)
  const error = log.failure('Dockerfile', 1)
  expect(error.code).toBe(code)
  if (code !== 'BUILD_ENGINE_FAILED')
    expect(error.message).toBe(`Dockerfile:${instruction === 'FROM a' ? 1 : 2}: ${instruction}: ${word}.`)
})

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
