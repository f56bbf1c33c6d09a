import { expect, it, vi } from 'vitest'
import type { Problem } from '../core/index.ts'
import { checkList } from './check-list.ts'
import type { ListedPackage } from './format.ts'

const position = { file: 'packages.json', line: 1, column: 1 }
const named = (name: string): ListedPackage => ({ name, exclude: [], position })
const refuse = (what: string) =>
  vi.fn(({ name }: ListedPackage): Problem[] =>
    name === what ? [{ severity: 'error', ...position, message: `not ${name}` }] : [],
  )

it('tells what is wrong, looks once at a list, and again by another grammar', () => {
  const [apt, rpm] = [refuse('a'), refuse('b')]
  const list = [named('a'), named('b')]
  const messages = (checkListed: typeof apt, of = list) => checkList(of, { checkListed }).map(({ message }) => message)
  expect([messages(apt), messages(apt)]).toEqual([['not a'], ['not a']])
  expect(apt).toHaveBeenCalledTimes(2)
  expect(messages(rpm)).toEqual(['not b'])
  expect(messages(apt, [named('b'), named('a'), named('a')])).toEqual(['not a', 'not a'])
})
