import { silentLog, systemClock, type SiteFiles } from '../../core/index.ts'
import { memoryFiles } from '../../core/testing/memory-files.ts'
import { openDatabase, type State } from '../../state/index.ts'
import { createRunner, type Runner, type RunnerOptions } from '../runner.ts'
import { createRunStore, type RunStore } from '../run-store.ts'
import type { Run } from '../run.ts'
import { createFakeKind, type FakeKind } from './fake-kind.ts'

/** A runner of one fake kind, over a database in memory. */
export class RunnerBench {
  readonly fake: FakeKind = createFakeKind()
  readonly runs: RunStore
  /** The one that is at work, and that `close` stops; replaced by tests. */
  runner: Runner
  /** What the site says, by commit. */
  readonly commits: Record<string, string> = {
    one: 'site: lab\nwords: [a]\n',
    two: 'site: lab\nwords: [a, b]\n',
    broken: 'site: lab\nwrods: [a]\n',
  }
  readonly #state: State

  static async open(): Promise<RunnerBench> {
    return new RunnerBench(await openDatabase({ path: ':memory:', clock: systemClock }))
  }

  private constructor(state: State) {
    this.#state = state
    this.runs = createRunStore(state, systemClock)
    this.runner = this.createRunner()
  }

  /** Another one over the same database, that has not begun. */
  createRunner(options: Partial<RunnerOptions> = {}): Runner {
    return createRunner({
      runs: this.runs,
      kinds: [this.fake.kind],
      openFiles: (run) => this.openCommit(run.commit),
      clock: systemClock,
      log: silentLog,
      ...options,
    })
  }

  openCommit(commit: string): Promise<SiteFiles & { close(): void }> {
    return Promise.resolve(memoryFiles({ 'larder.yaml': this.commits[commit] ?? '' }))
  }

  apply(commit: string): Promise<Run> {
    return this.runs.create({ branch: 'main', commit, goal: 'apply', origin: 'test' })
  }

  /** Until nothing is left that could be done now. */
  async work(): Promise<void> {
    await this.runner.start()
    await this.runner.idle()
  }

  async close(): Promise<void> {
    await this.runner.stop()
    await this.#state.close()
  }
}
