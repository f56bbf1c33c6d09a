import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BatchAnswers } from './batch-answer.ts'

test('answers of cat-file are found however they are cut', () => {
  const id = 'a'.repeat(40)
  const bytes = Buffer.from(`${id} blob 3\nx\ny\n${id} blob 0\n\n${id} missing\n`)
  fc.assert(
    fc.property(fc.array(fc.nat(bytes.length)), (cuts) => {
      const answers = new BatchAnswers()
      const found: string[] = []
      const edges = [0, ...cuts, bytes.length].sort((a, b) => a - b)
      edges.slice(1).forEach((edge, at) => {
        answers.push(bytes.subarray(edges[at], edge))
        for (let answer = answers.take(); answer; answer = answers.take())
          found.push(`${answer.type} ${answer.content.toString()}`)
      })
      expect(found).toEqual(['blob x\ny', 'blob ', 'missing '])
    }),
  )
})
