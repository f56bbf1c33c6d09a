import { defineConfig } from 'vitest/config'
import { TallyReporter } from './scripts/tally-reporter.ts'

/** Of e2e, those which want nothing of the machine but free ports, and folders and small disks of their own: `npm test` runs them beside the others. */
const onFreePorts = [
  '{branches,doctor,forges,git-http,happy,hook,hook-storm,keys,kill,own-packages,plan,preview,proxy,restore,run-logs,switch}',
  'disk-{full,full-writes,image,image-command}',
  'hostile-{deliveries,forge}',
  '{images,images-disk,images-kill,minbase}',
  'image-{build,build-base,commands,own-base,platforms,retention}',
  'registry-{access,cache,kill,lists,metrics,proxy,pull,push,serve,soak,zstd}',
  'rpm-{faults,install,kill,switch}',
  'upstream-{away,faults}',
].map((name) => `test/e2e/${name}.e2e.test.ts`)

/** Three groups, from seconds to minutes: `npm test -- unit`, `-- oracle`, `-- e2e`. */
export default defineConfig({
  test: {
    pool: 'forks',
    reporters: ['default', new TallyReporter()],
    passWithNoTests: true,
    allowOnly: process.env['CI'] !== 'true',
    teardownTimeout: 5_000,
    // What is waited for comes when it comes: a second, the default, is less than a busy machine may stand still.
    expect: { poll: { timeout: 15_000 } },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts', 'scripts/**/*.test.ts'],
          testTimeout: 60_000,
          // Many open a whole Larder before each test: a busy machine has taken longer than the default ten seconds.
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'oracle',
          include: ['test/oracle/**/*.oracle.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.e2e.test.ts'],
          exclude: onFreePorts,
          testTimeout: 600_000,
          hookTimeout: 600_000,
          // They share the machine's bridges, mounts, engines and package manager.
          fileParallelism: false,
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e-free-ports',
          include: onFreePorts,
          testTimeout: 600_000,
          hookTimeout: 600_000,
          fileParallelism: false,
        },
      },
    ],
  },
})
