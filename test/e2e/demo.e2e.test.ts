import { execa } from 'execa'
import { expect, it } from 'vitest'

/** What a demo said, and how it ended. */
async function show(name: string, timeout = 550_000): Promise<{ exitCode: number | undefined; all: string }> {
  const script = new URL(`../../demo/${name}.ts`, import.meta.url).pathname
  const { exitCode, all } = await execa(process.execPath, [script], { all: true, reject: false, timeout })
  return { exitCode, all }
}

it('demo:pull-request goes from a pull request to what clients install, by webhooks and by polling', async () => {
  const { exitCode, all } = await show('pull-request')
  expect(all).toContain('Both ways led to the same: planned before the merge, applied once after it.')
  expect(all.match(/did you mean hello-larder\?$/gm)).toHaveLength(4)
  expect(all.match(/a real apt downloaded hello-larder from the preview/g)).toHaveLength(2)
  expect(exitCode).toBe(0)
})

it('demo:lab: a client with an address of ours installs from our mirror alone, once that was merged', async () => {
  const { exitCode, all } = await show('lab')
  expect(all).toMatch(/it is in the declared range: true\n[^]*nmap can be installed there: false\n/)
  expect(all).toMatch(/nmap can be installed there: true\n\nDone: a client with an address of ours installed/)
  expect(exitCode).toBe(0)
})

it('demo:machines: made from a mirror, left alone, put back, given a package, made again', async () => {
  const { exitCode, all } = await show('machines')
  expect(all).toContain('nothing is to change: 0')
  expect(all.match(/client-1 reads the page of web-1, by its name: "Hello from web-1"$/gm)).toHaveLength(3)
  expect(all).toContain('client-1 has netcat-openbsd')
  expect(all).toContain('Done: the machines are as declared, from the mirror alone.')
  expect(exitCode).toBe(0)
})

it('demo:images: built, pulled and run after a merge; a merge that fails leaves that; a disk starts', async () => {
  const { exitCode, all } = await show('images', 1_000_000)
  expect(all).toContain('the container says: "counting from 1"')
  expect(all).toMatch(/counter\/Dockerfile:4: RUN exit 9: it ended with status 9\.\n[^]*the badge says: "failing"/)
  expect(all).toMatch(/the last good image is still there\n[^]*booted by qemu, [^\n]* to its readiness line\n\nDone: /)
  expect(exitCode).toBe(0)
}, 1_060_000)

it('demo:web-tier: a new version and a machine that is killed cost no request but those under way on it', async () => {
  const { exitCode, all } = await show('web-tier', 1_500_000)
  expect(all).toContain('the counter, by turns: "web-1: 1.0.0, web-2: 1.0.0"')
  expect(all).toContain('requests that failed: 0')
  expect(all).toContain('the version now: "1.1.0"')
  expect(all).toContain('requests that failed meanwhile: 0')
  expect(all).toContain('Done: renewed and made again without a failed request besides those under way')
  expect(exitCode).toBe(0)
}, 1_560_000)
