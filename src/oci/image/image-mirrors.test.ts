import { describe, expect, it } from 'vitest'
import { formatProblem } from '../../core/index.ts'
import { memoryFiles } from '../../core/testing/memory-files.ts'
import { readInputs } from './image-inputs.ts'
import { readImageList } from './image-list.ts'

async function read(mirrors: readonly string[]) {
  const list = JSON.stringify([{ service_name: 'web', type: 'Docker', version: '1', mirrors }])
  const files = memoryFiles({ 'images.json': list, 'web/Dockerfile': 'FROM scratch\n' })
  return { files, ...(await readImageList(files, 'images.json', { mirrors: ['base', 'el9'] })) }
}

describe('mirrors of an image', () => {
  it('are those of the site', async () => {
    const { problems } = await read(['base', 'bse'])
    expect(problems.map(formatProblem)).toEqual([
      'images.json:1:72: there is no mirror "bse"; expected a mirror of larder.yaml: did you mean base?',
    ])
  })

  it('make another build, and none are as before there could be any', async () => {
    const identityOf = async (mirrors: readonly string[]) => {
      const { files, images } = await read(mirrors)
      return (await readInputs(files, images[0]!)).identity
    }
    expect(await identityOf([])).not.toBe(await identityOf(['base']))
    const { files, images } = await read([])
    const { mirrors, ...before } = images[0]!
    expect(mirrors).toBeUndefined()
    expect((await readInputs(files, { ...before, mirrors: undefined })).identity).toBe(await identityOf([]))
  })
})
