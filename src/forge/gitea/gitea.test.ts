import { expect, test } from 'vitest'
import { giteaForge } from './forge.ts'

const old = '1'.repeat(40)
const young = '2'.repeat(40)

const repository = { id: 1, full_name: 'campus/site', clone_url: 'http://127.0.0.1:1/x.git' }
const side = (ref: string, sha: string, name: string) => ({ label: ref, ref, sha, repo: { full_name: name } })
const pull = (action: string, change: object = {}) => ({
  action,
  number: 5,
  sender: { login: 'maintainer' },
  repository,
  pull_request: {
    title: 'Add nmap',
    user: { login: 'alice' },
    updated_at: '2026-03-01T12:00:00Z',
    merged: false,
    labels: [],
    head: side('add-nmap', young, 'campus/site'),
    base: side('main', old, 'campus/site'),
    ...change,
  },
})
const opened = {
  kind: 'pull-request',
  number: 5,
  action: 'open',
  merged: false,
  title: 'Add nmap',
  author: 'alice',
  head: 'add-nmap',
  headCommit: young,
  base: 'main',
  fromFork: false,
}
const comment = (body: string, more: object = { is_pull: true }) => ({
  action: 'created',
  issue: { number: 5 },
  comment: { body, user: { login: 'maintainer' } },
  repository,
  ...more,
})
const ignored = { kind: 'ignored' }

// Written by hand after the documentation of the forge (webhook events), November 2026.
test.each([
  [
    'push',
    { ref: 'refs/heads/main', before: old, after: young, repository },
    { kind: 'push', branch: 'main', commit: young },
  ],
  ['push', { ref: 'refs/tags/v1', before: old, after: young, repository }, ignored],
  ['pull_request', pull('opened'), opened],
  ['pull_request', pull('reopened'), opened],
  ['pull_request_sync', pull('synchronized'), { ...opened, action: 'update' }],
  ['pull_request', pull('closed', { merged: true }), { ...opened, action: 'close', merged: true }],
  [
    'pull_request',
    pull('opened', { head: side('main', young, 'eve/site') }),
    { fromFork: true, headRepository: 'eve/site' },
  ],
  [
    'pull_request_label',
    pull('label_updated', { labels: [{ name: 'larder ok' }] }),
    { kind: 'approval', number: 5, by: 'maintainer', commit: young, labelled: true },
  ],
  ['pull_request_label', pull('label_updated'), { ...opened, action: 'update', labelled: false }],
  ['pull_request_label', pull('label_cleared'), { ...opened, action: 'update', labelled: false }],
  [
    'pull_request_sync',
    pull('synchronized', { labels: [{ name: 'Larder OK' }] }),
    { ...opened, action: 'update', labelled: true },
  ],
  ['pull_request', pull('assigned'), ignored],
  ['issue_comment', comment('/larder ok'), { kind: 'approval', number: 5, by: 'maintainer' }],
  ['issue_comment', comment('/larder ok', { is_pull: false }), ignored],
  ['issue_comment', { ...comment('/larder ok'), action: 'edited' }, ignored],
  ['release', { action: 'published', repository }, ignored],
])('%s %#', (event, payload, meaning) => {
  expect(giteaForge.parse(event, JSON.stringify(payload))).toMatchObject(meaning)
  expect(giteaForge.repositoryOf(event, JSON.stringify(payload))).toBe('campus/site')
})
