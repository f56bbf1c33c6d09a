import { expect, test } from 'vitest'
import { parseCgiHead } from './cgi-answer.ts'

test.each([
  [
    'Status: 403 Forbidden\r\nContent-Type: text/plain\r\n\r\nrest',
    { status: 403, headers: [['Content-Type', 'text/plain']] },
  ],
  [
    'A: b\nC: d: e\n\n',
    {
      status: 200,
      headers: [
        ['A', 'b'],
        ['C', 'd: e'],
      ],
    },
  ],
  ['A: b\r\n', undefined],
  ['nonsense\n\n', 'malformed'],
  ['Status: 999\n\n', 'malformed'],
  ['Status: x\n\n', 'malformed'],
  ['A'.repeat(70_000), 'malformed'],
])('the CGI head %j', (text, expected) => {
  const head = parseCgiHead(Buffer.from(text))
  if (typeof expected === 'object') expect(head).toMatchObject(expected)
  else expect(head).toEqual(expected)
})
