import { execa } from 'execa'
import { expect, it } from 'vitest'

it('demo:pull-request goes from a pull request to what clients install, by webhooks and by polling', async () => {
  const script = new URL('../../demo/pull-request.ts', import.meta.url).pathname
  const { exitCode, all } = await execa(process.execPath, [script], { all: true, reject: false, timeout: 300_000 })
  expect(all).toContain('Both ways led to the same: planned before the merge, applied once after it.')
  expect(all.match(/did you mean hello-larder\?$/gm)).toHaveLength(4)
  expect(all.match(/a real apt downloaded hello-larder from the preview/g)).toHaveLength(2)
  expect(exitCode).toBe(0)
})
