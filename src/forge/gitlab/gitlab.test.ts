import { expect, test } from 'vitest'
import { gitlabForge } from './forge.ts'

const old = '1'.repeat(40)
const young = '2'.repeat(40)

const project = { id: 15, path_with_namespace: 'lab/campus/site', git_http_url: 'http://169.254.169.254/x.git' }
const push = { object_kind: 'push', before: old, after: young, ref: 'refs/heads/main', project }
const attributes = {
  iid: 3,
  title: 'Add\n nmap',
  action: 'open',
  state: 'opened',
  updated_at: '2026-03-01 12:00:00 UTC',
  source_branch: 'add-nmap',
  target_branch: 'main',
  source_project_id: 15,
  target_project_id: 15,
  source: { path_with_namespace: 'lab/campus/site' },
  last_commit: { id: young },
}
const merge = (change: object = {}, more: object = {}) => ({
  object_kind: 'merge_request',
  user: { username: 'alice' },
  project,
  object_attributes: { ...attributes, ...change },
  ...more,
})
const opened = {
  kind: 'pull-request',
  number: 3,
  action: 'open',
  merged: false,
  title: 'Add nmap',
  author: 'alice',
  head: 'add-nmap',
  headCommit: young,
  base: 'main',
  fromFork: false,
  updatedAt: new Date('2026-03-01T12:00:00Z'),
}
const note = (body: string, more: object = { merge_request: { iid: 3 } }) => ({
  object_kind: 'note',
  user: { username: 'maintainer' },
  project,
  object_attributes: { note: body, noteable_type: 'MergeRequest', action: 'create' },
  ...more,
})
const labels = { labels: { previous: [], current: [{ title: 'Larder OK' }] } }
const ignored = { kind: 'ignored' }

// Written by hand after the documentation of the forge (webhook events), November 2026.
test.each([
  ['Push Hook', push, { kind: 'push', branch: 'main', commit: young }],
  ['System Hook', push, { kind: 'push', branch: 'main', commit: young }],
  ['Push Hook', { ...push, after: '0'.repeat(40) }, ignored],
  ['Push Hook', { ...push, ref: 'refs/tags/v1' }, ignored],
  ['Tag Push Hook', push, ignored],
  ['Merge Request Hook', merge(), opened],
  ['Merge Request Hook', merge({ action: 'update', oldrev: old }), { ...opened, action: 'update', author: '' }],
  ['Merge Request Hook', merge({ action: 'merge' }), { kind: 'pull-request', action: 'close', merged: true }],
  ['Merge Request Hook', merge({ action: 'close' }), { kind: 'pull-request', action: 'close', merged: false }],
  ['Merge Request Hook', merge({ source_project_id: 99 }), { fromFork: true }],
  ['Merge Request Hook', merge({ action: 'approved' }), ignored],
  [
    'Merge Request Hook',
    merge({ action: 'update' }, { changes: labels }),
    { kind: 'approval', number: 3, by: 'alice', commit: young },
  ],
  ['Note Hook', note('/larder ok'), { kind: 'approval', number: 3, by: 'maintainer', commit: undefined }],
  ['Note Hook', note('nice'), ignored],
  ['Note Hook', note('/larder ok', { issue: { iid: 3 } }), ignored],
  ['Pipeline Hook', { object_kind: 'pipeline', project }, ignored],
])('%s %#', (event, payload, meaning) => {
  expect(gitlabForge.parse(event, JSON.stringify(payload))).toMatchObject(meaning)
  expect(gitlabForge.repositoryOf(event, JSON.stringify(payload))).toBe('lab/campus/site')
})
