import { expect, test } from 'vitest'
import type { ForgeEvent } from '../../forge/index.ts'
import { DeliveryMeanings } from './delivery-meanings.ts'

const delivery = (deliveryId: string) => ({ repository: 'campus/site', deliveryId })
const push = (commit: string): ForgeEvent => ({ kind: 'push', branch: 'main', commit })

test('is kept until it is settled', () => {
  const meanings = new DeliveryMeanings()
  meanings.understood(delivery('a'), push('c1'))
  expect(meanings.of(delivery('a'))).toEqual(push('c1'))
  expect(meanings.of({ ...delivery('a'), repository: 'eve/site' })).toBeUndefined()
  meanings.settled([delivery('a')], true)
  expect(meanings.of(delivery('a'))).toBeUndefined()
})

test.each<[string, ForgeEvent, boolean]>([
  ['a push', push('c2'), true],
  ['a push that was told of before', push('c1'), false],
  ['what is ignored', { kind: 'ignored', reason: 'a test' }, false],
  ['somebody’s word', { kind: 'approval', number: 1, by: 'x', mayApprove: true, commit: undefined }, true],
])('%s: is somebody waiting for it?', (_name, meaning, isUrgent) => {
  const meanings = new DeliveryMeanings()
  meanings.understood(delivery('a'), push('c1'))
  meanings.settled([delivery('a')], false)
  meanings.understood(delivery('b'), meaning)
  expect(meanings.isUrgent(delivery('b'))).toBe(isUrgent)
})

test('what nobody understood may be anything', () => {
  expect(new DeliveryMeanings().isUrgent(delivery('a'))).toBe(true)
})

test('takes no more memory than it should, though nothing is ever settled', () => {
  const meanings = new DeliveryMeanings()
  for (let index = 0; index < 6000; index++) meanings.understood(delivery(`d${index}`), push('c'))
  expect([meanings.of(delivery('d4999')), meanings.of(delivery('d5000'))]).toEqual([push('c'), undefined])
  meanings.settled([], false)
  expect(meanings.of(delivery('d0'))).toBeDefined()
  meanings.settled([], true)
  expect(meanings.of(delivery('d0'))).toBeUndefined()
})
