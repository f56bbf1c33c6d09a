import type { Generated } from 'kysely'

/** Rows of `migrations/*.sql`, column by column. Times are ISO 8601 UTC; JSON is text. */
export interface Tables {
  leases: { id: string; holder: string; expires_at: string }
  lease_blobs: { lease_id: string; digest: string }
  cache_entries: { space: string; key: string; value: string; blobs: string; used_at: string }
  snapshots: { mirror: string; number: number; tree: string; created_at: string; origin: string; meta: string }
  publications: {
    mirror: string
    generation: number
    snapshot_number: number
    tree: string
    sealed_at: string
    valid_until: string | null
  }
  current_publications: { mirror: string; generation: number }
  events: {
    id: Generated<number>
    forge: string
    repository: string
    delivery_id: string
    name: string
    received_at: string
    state: 'waiting' | 'done' | 'ignored'
    reason: string | null
    run_id: number | null
  }
  event_bodies: { event_id: number; body: string }
  runs: {
    id: Generated<number>
    branch: string
    commit_id: string
    goal: 'plan' | 'apply'
    state: 'waiting' | 'running' | 'succeeded' | 'failed' | 'cancelled' | 'superseded'
    origin: string
    created_at: string
    started_at: string | null
    finished_at: string | null
    attempts: number
    error: string | null
    plan: string | null
    pull_request: number | null
    base_commit: string | null
    trust: Generated<'trusted' | 'untrusted'>
    sections: string | null
    only: string | null
  }
  pull_requests: {
    forge: string
    repository: string
    number: number
    state: 'open' | 'closed' | 'merged'
    title: string
    author: string
    head: string
    head_commit: string
    base: string
    from_fork: number
    approved_commit: string | null
    approved_by: string | null
    updated_at: string
    closed_after_run: Generated<number>
    labelled: Generated<number>
  }
  outbox: {
    id: Generated<number>
    kind: 'status' | 'comment' | 'notification'
    recipient: string
    topic: string
    body: string
    state: 'waiting' | 'done' | 'abandoned' | 'replaced'
    attempts: number
    not_before: string
    created_at: string
    settled_at: string | null
    reason: string | null
  }
  previews: {
    run_id: number
    mirror: string
    format: string
    key_kind: 'ed25519' | 'rsa'
    tree: string
    meta: string
    size_bytes: number
    sealed_at: string
    expires_at: string
  }
  run_steps: {
    run_id: number
    number: number
    name: string
    state: 'running' | 'done' | 'failed'
    started_at: string
    finished_at: string | null
    result: string | null
  }
  run_log: { run_id: number; number: number; at: string; message: string }
  settings: { key: string; value: string }
  oci_blobs: { repository: string; digest: string; store_digest: string; size_bytes: number; used_at: string }
  oci_manifests: {
    repository: string
    digest: string
    media_type: string
    size_bytes: number
    subject: string | null
    artifact_type: string | null
    annotations: string | null
    pushed_at: string
    used_at: string
  }
  oci_manifest_contents: { repository: string; digest: string; content: Uint8Array }
  oci_links: { repository: string; manifest: string; kind: 'blob' | 'manifest'; target: string }
  oci_tags: { repository: string; name: string; digest: string; moved_at: string; is_fixed: Generated<number> }
  oci_cached: { repository: string; reference: string; digest: string; checked_at: string; used_at: string }
  oci_uploads: { id: string; repository: string; touched_at: string }
  image_builds: {
    id: Generated<number>
    image: string
    version: string
    type: 'Docker' | 'AMI'
    inputs: string
    state: 'building' | 'built' | 'published' | 'failed'
    digest: string | null
    commit_id: string | null
    run_id: number
    started_at: string
    finished_at: string | null
    error: string | null
    detail: string
  }
  machines: {
    name: string
    place: 'container' | 'vm' | 'ssh' | 'local'
    identity: string
    state: 'converged' | 'changing' | 'different' | 'failed' | 'unreachable'
    detail: string
    run_id: number | null
    checked_at: string
    changed_at: string | null
    base: string | null
  }
  services: {
    name: string
    machine: string
    state: 'ready' | 'changing' | 'failed'
    unit: string
    version: string | null
    reference: string | null
    why: string | null
    run_id: number | null
    checked_at: string
    changed_at: string | null
  }
}
