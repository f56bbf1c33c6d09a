export { asAnyKind, type AnyKind } from './any-kind.ts'
export {
  openEventStore,
  type Delivery,
  type EventStore,
  type EventSummary,
  type Settlement,
  type StoredEvent,
} from './event-store.ts'
export { type ExecuteRunOptions } from './execute-run.ts'
export { createOutbox, type Outbox, type OutboxHandler } from './outbox.ts'
export type { NewMessage, OutboxMessage } from './outbox-rows.ts'
export { branchOf, planSite, type KindPlan } from './plan-site.ts'
export {
  problemsOf,
  type RecordedChange,
  type Run,
  type RunError,
  type RunGoal,
  type RunLimit,
  type RunState,
  type RunStep,
} from './run.ts'
export { createRunner, type Runner, type RunnerOptions } from './runner.ts'
export { createPullRequestStore, type KnownPullRequest, type PullRequestStore } from './pull-request-store.ts'
export { createRunStore, type NewRun, type RunQuery, type RunStore } from './run-store.ts'
export { jsonSchemaOf } from './json-schema.ts'
export { readSite, type Site } from './site.ts'
