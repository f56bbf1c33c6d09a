import { expect, it } from 'vitest'
import { createDockerBuilder } from '../../src/oci/build/docker.ts'
import { requestOf } from '../../src/oci/build/image-builder.contract.ts'
import { expectNoProcess, isRunning } from '../../src/oci/testing/processes.ts'
import { startDockerEngine } from './support/docker-engine.ts'
import { waitFor } from './support/wait-for-run.ts'
import { openWorkspace } from './support/workspace.ts'

const shell = 'FROM scratch\nCOPY busybox /bin/sh\nCOPY busybox /bin/busybox\n'

it('a Docker engine that is killed in the middle is an error of the engine, and the next build is none the worse', async () => {
  await using workspace = await openWorkspace()
  await using engine = await startDockerEngine(workspace.path('engine'))
  const builder = createDockerBuilder({ host: engine.host })
  const sleep = `sleep ${500_000 + process.pid}`
  const failing = { Dockerfile: `${shell}RUN echo begun; /bin/busybox ${sleep}\n` }
  const building = builder.build(await requestOf(workspace.folder, failing)).catch((error: unknown) => error)
  await waitFor('the build', async () => ((await isRunning(sleep)) ? true : undefined), 120_000)
  await engine.kill()
  expect(await building).toMatchObject({ code: 'BUILD_ENGINE_FAILED', context: { line: 4 } })
  await expectNoProcess(sleep)
  expect(await builder.probe()).toMatchObject({ usable: false })
  await engine.start()
  const next = await requestOf(workspace.folder, { Dockerfile: `${shell}RUN echo next\n` })
  await expect(builder.build(next)).resolves.toMatchObject({ baseImages: [] })
})
