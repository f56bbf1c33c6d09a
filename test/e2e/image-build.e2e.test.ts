import { execFileSync, spawn } from 'node:child_process'
import { chmod, mkdir, readdir, readFile, statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createBuildahBuilder } from '../../src/oci/build/buildah.ts'
import { createBuildkitBuilder } from '../../src/oci/build/buildkit.ts'
import { createDockerBuilder } from '../../src/oci/build/docker.ts'
import { type BuilderUnderTest, judgeImageBuilder, requestOf } from '../../src/oci/build/image-builder.contract.ts'
import { expectNoProcess, isRunning } from '../../src/oci/testing/processes.ts'
import { type DockerEngine, startDockerEngine } from './support/docker-engine.ts'
import { openWorkspace, type Workspace } from './support/workspace.ts'

let workspace: Workspace

beforeAll(async () => {
  workspace = await openWorkspace()
})
afterAll(() => workspace[Symbol.asyncDispose]())

const shell = 'FROM scratch\nCOPY busybox /bin/sh\nCOPY busybox /bin/busybox\n'
const bomb = 'RUN while :; do /bin/busybox sleep 50 & done\n'

async function groupsOfBuilds(): Promise<string[]> {
  const groups = await readdir('/sys/fs/cgroup', { recursive: true }).catch(() => [])
  return groups.filter((name) => name.includes(`larder-build-${process.pid}-`))
}

describe('buildah', () => {
  const builder = createBuildahBuilder()
  const nothing = (): Promise<void> => Promise.resolve()

  it('is here', async () => {
    expect(await builder.probe()).toMatchObject({ usable: true })
  })

  judgeImageBuilder((): BuilderUnderTest => ({ builder, folder: workspace.folder, forget: nothing }))

  it('processes without end meet a limit, and nothing of them is left', async () => {
    const limits = { timeoutMs: 60_000, logBytes: 10_000, memoryBytes: 700e6 }
    const request = await requestOf(workspace.folder, { Dockerfile: `${shell}${bomb}` }, { limits })
    await expect(builder.build(request)).rejects.toMatchObject({
      code: 'BUILD_LIMIT',
      context: { line: 4 },
    })
    expect(await groupsOfBuilds()).toEqual([])
  })

  it('one that all but fills the disk is ended while there is room for others', async () => {
    const disk = workspace.path('disk')
    await mkdir(disk)
    await execa('mount', ['-t', 'tmpfs', '-o', 'size=200m', 'larder-e2e', disk])
    try {
      const limits = { timeoutMs: 120_000, logBytes: 10_000, diskBytes: 1e12 }
      const write = '/bin/busybox dd if=/dev/zero of=/big bs=1M count=190; /bin/busybox sleep 600'
      const files = { Dockerfile: `${shell}RUN ${write}\n` }
      const request = await requestOf(workspace.folder, files, { limits, cacheFolder: join(disk, 'cache') })
      await expect(builder.build(request)).rejects.toMatchObject({ code: 'BUILD_LIMIT', context: { line: 4 } })
      const { bavail, bsize } = await statfs(disk)
      expect(bavail * bsize).toBeGreaterThan(100e6)
    } finally {
      await execa('umount', ['--lazy', disk])
    }
  })

  it('killed in the middle it is an error of the engine, which is tried again, and the next build is none the worse', async () => {
    const seconds = String(300_000 + process.pid)
    const failing = { Dockerfile: `${shell}RUN echo begun; /bin/busybox sleep ${seconds}\n` }
    const request = await requestOf(workspace.folder, failing)
    const building = builder.build(request).catch((error: unknown) => error)
    await until(() => isRunning(`sleep ${seconds}`))
    process.kill(await pidOf(request.outputFolder.replace(/layout$/, 'context')), 'SIGKILL')
    expect(await building).toMatchObject({ code: 'BUILD_ENGINE_FAILED', context: { line: 4 } })
    await expectNoProcess(`sleep ${seconds}`)
    const next = await requestOf(workspace.folder, { Dockerfile: `${shell}RUN echo next\n` })
    await expect(builder.build(next)).resolves.toMatchObject({ baseImages: [] })
  })

  it('ends when Larder is killed, and what it left is removed by the next build', async () => {
    const seconds = String(400_000 + process.pid)
    const request = await requestOf(workspace.folder, { Dockerfile: `${shell}RUN /bin/busybox sleep ${seconds}\n` })
    const { contextFolder, dockerfile, buildArgs, labels, limits, network, cacheFolder, outputFolder } = request
    const rest = { contextFolder, dockerfile, buildArgs, labels, limits, network, cacheFolder, outputFolder }
    const program = `
      import { createBuildahBuilder } from ${JSON.stringify(new URL('../../src/oci/build/buildah.ts', import.meta.url).href)}
      const signal = new AbortController().signal
      const request = { ...JSON.parse(process.argv[1]), sourceDateEpoch: new Date(0), log() {}, signal }
      await createBuildahBuilder().build(request)`
    const larder = spawn(process.execPath, ['--input-type=module', '-e', program, JSON.stringify(rest)], {
      stdio: 'ignore',
    })
    await until(() => isRunning(`sleep ${seconds}`))
    larder.kill('SIGKILL')
    await expectNoProcess(`sleep ${seconds}`)
    const work = async () =>
      (await readdir(join(request.cacheFolder, 'buildah'))).filter((one) => one.startsWith('work-'))
    expect(await work()).toHaveLength(1)
    await createBuildahBuilder().build(await requestOf(workspace.folder, { Dockerfile: `${shell}RUN echo after\n` }))
    expect(await work()).toEqual([])
    const store = join(request.cacheFolder, 'buildah')
    const arguments_ = [
      `--root=${store}/root`,
      `--runroot=${store}/run`,
      '--storage-driver=overlay',
      'containers',
      '-q',
    ]
    expect(execFileSync('buildah', arguments_, { encoding: 'utf8' })).toBe('')
  })
})

describe('docker', () => {
  let engine: DockerEngine
  beforeAll(async () => {
    engine = await startDockerEngine(workspace.path('docker'))
  })
  afterAll(() => engine[Symbol.asyncDispose]())

  it('is here, and says when nothing listens', async () => {
    expect(await createDockerBuilder({ host: engine.host }).probe()).toMatchObject({ usable: true })
    const away = await createDockerBuilder({ host: 'unix:///nonexistent/docker.sock' }).probe()
    expect(away).toMatchObject({ usable: false, hint: expect.stringContaining('docker') as string })
  })

  it('says how somebody gets in who may not use its socket', async () => {
    const socket = engine.host.slice('unix://'.length)
    await chmod(dirname(socket), 0o711)
    await chmod(workspace.folder, 0o711)
    const program = `
      import { createDockerBuilder } from ${JSON.stringify(new URL('../../src/oci/build/docker.ts', import.meta.url).href)}
      process.setgroups([])
      process.setgid(65534)
      process.setuid(65534)
      console.log(JSON.stringify(await createDockerBuilder({ host: ${JSON.stringify(engine.host)} }).probe()))`
    const { stdout } = await execa(process.execPath, ['--input-type=module', '-e', program])
    expect(JSON.parse(stdout)).toMatchObject({
      usable: false,
      isInstalled: true,
      reason: expect.stringMatching(/permission denied/i) as string,
      hint: expect.stringMatching(/^usermod --append --groups docker nobody, /) as string,
    })
  })

  it('processes without end meet a limit, and nothing of them is left', async () => {
    const limits = { timeoutMs: 120_000, logBytes: 10_000 }
    const request = await requestOf(workspace.folder, { Dockerfile: `${shell}${bomb}` }, { limits })
    const building = createDockerBuilder({ host: engine.host }).build(request)
    await expect(building).rejects.toMatchObject({ code: 'BUILD_FAILED', context: { line: 4 } })
    expect(request.lines.join('\n')).toMatch(/can't fork: Resource temporarily unavailable/)
    await expectNoProcess('busybox sleep 50')
    expect(await groupsOfBuilds()).toEqual([])
  })

  judgeImageBuilder(() => ({
    builder: createDockerBuilder({ host: engine.host }),
    folder: workspace.folder,
    forget: () => engine.forget(),
  }))
})

describe('buildkit', () => {
  const builder = createBuildkitBuilder()

  // Debian 12 has no package of it: the contract is for hosts that have it, what it says without for all others.
  it('is judged by the same contract where it is, and says so where it is not', async () => {
    const state = await builder.probe()
    if (!state.usable) expect(state).toMatchObject({ reason: expect.stringMatching(/buildctl/) as string })
    else expect(state.version).toMatch(/^\d/)
  })
})

async function until(isTrue: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 600; attempt++) {
    if (await isTrue()) return
    await wait(100)
  }
  throw new Error('It did not come to be.')
}

/** Of buildah itself, not of what it was started by. */
async function pidOf(context: string): Promise<number> {
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0')
    if (words[0] === 'buildah' && words.includes(context)) return Number(pid)
  }
  throw new Error('There is no such buildah.')
}
