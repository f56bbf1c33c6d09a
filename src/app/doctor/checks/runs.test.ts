import { describe, expect, it } from 'vitest'
import { expectMended, found, hourMs, useTestLarder } from '../../testing/doctored-larder.ts'
import type { TestLarder } from '../../testing/open-test-larder.ts'

const start = useTestLarder()

describe('runs', () => {
  it('one that nothing works at', async () => {
    const larder = await start()
    await setRuns(larder, { state: 'running', finished_at: null })
    await expectMended(larder, 'runs', [/nothing works at it/])
  })

  it('one that has been waiting for hours', async () => {
    const larder = await start()
    await setRuns(larder, { state: 'waiting', created_at: new Date(Date.now() - 2 * hourMs).toISOString() })
    expect(await found(larder, 'runs')).toMatchObject([
      { severity: 'warning', message: expect.stringContaining('has been waiting') },
    ])
  })

  it('the newest apply that failed', async () => {
    const larder = await start()
    await larder.commit({ 'packages.json': '["nonesuch"]\n' })
    const [finding] = await found(larder, 'runs')
    expect(finding).toMatchObject({ severity: 'error', hint: expect.stringContaining('larder run retry') })
    expect(finding?.message).toContain('PACKAGE_UNKNOWN')
  })
})

async function setRuns({ larder }: TestLarder, values: Record<string, string | null>): Promise<void> {
  await larder.context.state.db.updateTable('runs').set(values).execute()
}
