import { expect, test } from 'vitest'
import { LarderError } from './error.ts'
import { createLog, type Log, type LogLevel, silentLog } from './log.ts'

const at = new Date('2026-11-21T10:00:00.000Z')

function captured(level?: LogLevel): { log: Log; lines: () => Record<string, unknown>[]; text: () => string } {
  let text = ''
  const log = createLog({
    ...(level === undefined ? {} : { level }),
    destination: { write: (line) => void (text += line) },
    clock: { now: () => at },
  })
  const lines = () =>
    text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Record<string, unknown>)
  return { log, lines, text: () => text }
}

test('writes one JSON object a line: level, time, facts, message', () => {
  const { log, lines } = captured()
  log.info('published', { mirror: 'base', generation: 3 })
  log.warn('slow')
  expect(lines()).toEqual([
    { level: 'info', time: at.toISOString(), mirror: 'base', generation: 3, message: 'published' },
    { level: 'warn', time: at.toISOString(), message: 'slow' },
  ])
})

test.each<[LogLevel | undefined, string[]]>([
  [undefined, ['info', 'warn', 'error']],
  ['trace', ['trace', 'debug', 'info', 'warn', 'error']],
  ['error', ['error']],
])('at level %s', (level, expected) => {
  const { log, lines } = captured(level)
  for (const name of ['trace', 'debug', 'info', 'warn', 'error'] as const) log[name](name)
  expect(lines().map((line) => line['message'])).toEqual(expected)
})

test('every line of a child carries its facts', () => {
  const { log, lines } = captured()
  log.with({ run: 17 }).with({ step: 'stage' }).info('begun')
  expect(lines()).toMatchObject([{ run: 17, step: 'stage', message: 'begun' }])
})

test('secrets do not come through: by name, by form, at any depth, in children and in errors', () => {
  const { log, text } = captured('trace')
  const cause = new Error('GET https://u:s3cret-a@example.org/ failed')
  const error = new LarderError('FETCH_STATUS', { message: 'token=s3cret-b', cause, context: { apiKey: 's3cret-c' } })
  log.error('Authorization: Bearer s3cret-d', { error })
  log
    .with({ hookSecret: 's3cret-e' })
    .info('x', { headers: [{ authorization: 's3cret-f' }], deep: { password: 's3cret-g' } })
  log.info('y', { url: new URL('https://u:s3cret-h@example.org/'), map: new Map([['token', 's3cret-i']]) })
  expect(text()).not.toContain('s3cret')
  expect(text().match(/\[redacted\]/g)?.length).toBeGreaterThanOrEqual(9)
})

test('an error is written whole', () => {
  const { log, lines } = captured()
  const cause = Object.assign(new Error('no space'), { code: 'ENOSPC' })
  log.error('failed', {
    error: new LarderError('DISK_FULL', { message: 'disk full', hint: 'free some', cause, context: { path: 'x' } }),
  })
  expect(lines()[0]?.['error']).toMatchObject({
    name: 'LarderError',
    code: 'DISK_FULL',
    message: 'disk full',
    hint: 'free some',
    context: { path: 'x' },
    cause: { name: 'Error', code: 'ENOSPC', message: 'no space' },
  })
})

test('values that JSON does not know, and circles, are no obstacle', () => {
  const { log, lines } = captured()
  const circle: Record<string, unknown> = {}
  circle['self'] = circle
  log.info('odd', {
    big: 12n,
    bytes: new Uint8Array(5),
    at: new Date(0),
    bad: new Date(NaN),
    set: new Set([1]),
    circle,
  })
  expect(lines()[0]).toMatchObject({
    big: '12',
    bytes: '5 bytes',
    at: '1970-01-01T00:00:00.000Z',
    bad: 'Invalid Date',
    set: [1],
  })
})

test('the silent log takes everything and says nothing', () => {
  silentLog.with({ a: 1 }).error('x')
  expect(silentLog.with({})).toBe(silentLog)
})
