// Serves several data folders in one process, so that one kill -9 hits several controllers, each at its own moment.
// Argument: JSON list of {dataFolder, port}. Prints `ready` when all serve.
import { systemClock } from '../../../src/core/index.ts'
import { startController } from '../../../src/app/controller-process.ts'
import { dataFolderAt } from '../../../src/app/data-folder.ts'

const folders = JSON.parse(process.argv[2] ?? '[]') as { dataFolder: string; port: number }[]
const running = await Promise.all(
  folders.map(({ dataFolder, port }) =>
    startController({
      dataFolder: dataFolderAt(dataFolder, {}),
      clock: systemClock,
      logLevel: 'warn',
      environment: {},
      host: '127.0.0.1',
      port,
    }),
  ),
)
process.stdout.write('ready\n')
process.once('SIGTERM', () => {
  Promise.all(running.map((one) => one.stop())).catch((error: unknown) => {
    console.error(error)
    process.exitCode = 1
  })
})
