import { expect, it } from 'vitest'
import { testRoom } from '../../testing/resolve-room.ts'
import { resolveText } from './file.ts'

const room = testRoom(
  { 'secrets/there.age': 'encrypted', 'secrets/other.age': 'encrypted' },
  { secret: async (name) => `value of ${name}` },
)

// What asks whether a secret is there would else be empty without a word.
it.each([
  ['{{secrets.there}}', 'value of there', true],
  ['{{#secrets.there}}password {{.}}{{/secrets.there}}', 'password value of there', true],
  ['{{#secrets.there}}{{secrets.there}}{{/secrets.there}}', 'value of there', true],
  ['{{#secrets.there}}with{{/secrets.there}}', 'with', true],
  ['{{^secrets.there}}without{{/secrets.there}}', '', true],
  ['{{#secrets.none}}{{secrets.none}}{{/secrets.none}}', '', false],
  ['{{#secrets.none}}with{{/secrets.none}}{{^secrets.none}}without{{/secrets.none}}', 'without', false],
])('%s', async (inline, text, isSecret) => {
  const resolved = await resolveText({ inline }, room)
  expect([resolved.content.toString(), resolved.isSecret]).toEqual([text, isSecret])
})
