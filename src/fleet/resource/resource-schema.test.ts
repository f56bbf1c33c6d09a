import { expect, it } from 'vitest'
import { z } from 'zod'
import { resourceListSchema } from './resource-schema.ts'
import { resourceTypes } from './resource-types.ts'

it('editors are told of every type, and of what each may have', () => {
  const { items } = z.toJSONSchema(resourceListSchema, { io: 'input', unrepresentable: 'any' }) as {
    items: {
      anyOf: { properties: Record<string, { description?: string }>; description?: string; required: string[] }[]
    }
  }
  for (const [at, type] of resourceTypes.entries()) {
    const one = items.anyOf[at]!
    expect(one.required).toContain(type.name)
    expect(one.description).toBeTruthy()
    expect(Object.keys(one.properties)).toEqual(expect.arrayContaining([type.name, 'id', 'after', 'notify', 'when']))
  }
})

it.each([
  [{ package: ['a', 'b'], notify: 'service:x' }, true],
  [{ file: ['/a', '/b'], content: 'x', when: { family: 'debian' } }, true],
  [{ file: '/a', contents: 'x' }, false],
])('%o: %s', (resource, isRight) => {
  expect(resourceListSchema.safeParse([resource]).success).toBe(isRight)
})
