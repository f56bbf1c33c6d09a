import { expect, it } from 'vitest'
import { entryLines } from './entry-lines.ts'

const entry = { id: 'command:work', outcome: 'failed', why: 'it ended with 3', log: '' } as const
const numbered = Array.from({ length: 250 }, (_, at) => `line ${at}\n`).join('')

it('what is as declared is not told of', () => {
  expect(entryLines({ ...entry, outcome: 'ok', why: undefined, log: 'x' })).toEqual([])
})

it('what a resource has printed comes before what became of it, and gives no orders to a terminal', () => {
  expect(entryLines({ ...entry, log: 'one\n\n\u001b[2Jtwo\r\n' })).toEqual([
    'command:work | one',
    'command:work |  [2Jtwo',
    'command:work: failed, it ended with 3',
  ])
})

it.each<['changed' | 'failed' | 'unknown', number]>([
  ['changed', 20],
  ['failed', 200],
  ['unknown', 200],
])('of what is %s, the last %i lines', (outcome, most) => {
  const lines = entryLines({ ...entry, outcome, log: numbered })
  expect(lines[0]).toBe(`command:work | … ${250 - most} lines before`)
  expect(lines.slice(1, -1)).toEqual(Array.from({ length: most }, (_, at) => `command:work | line ${250 - most + at}`))
})

it('what is said over and over is told once', () => {
  const refused = 'connect: Connection refused\n/dev/tcp: Connection refused\n'
  const lines = entryLines({ ...entry, log: `started\n${refused.repeat(50)}` })
  expect(lines.map((line) => line.replace('command:work | ', ''))).toEqual([
    'started',
    'connect: Connection refused',
    '/dev/tcp: Connection refused',
    'command:work: failed, it ended with 3',
  ])
})
