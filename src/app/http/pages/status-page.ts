import { formatBytes } from '../../../core/index.ts'
import type { MirrorSummary, RunSummary } from '../../controller.ts'
import { html, type Html } from './html.ts'
import { renderPage } from './page.ts'

export interface Status {
  site: string
  commit: string | undefined
  baseUrl: string
  health: { ready: boolean; reasons: readonly string[] }
  mirrors: readonly MirrorSummary[]
  /** The latest, newest first. */
  runs: readonly RunSummary[]
  /** Whether /git/site.git is there. */
  git: boolean
}

/** The first page: what this Larder holds, how to use it, and what it did last. */
export function renderStatus(status: Status): string {
  const { site, commit, health, mirrors, runs } = status
  const state = health.ready
    ? html`<span class="good">ready</span>`
    : html`<span class="bad">not ready: ${health.reasons.join('; ')}</span>`
  return renderPage(
    `${site} · Larder`,
    html`<h1>${site}</h1>
      <p class="soft">
        ${state} · ${commit === undefined ? 'nothing applied yet' : html`at commit <code>${commit.slice(0, 12)}</code>`}
      </p>
      <h2>Mirrors</h2>
      ${mirrors.length === 0 ? html`<p>None is declared in larder.yaml.</p>` : mirrorTable(mirrors)}
      ${mirrors.filter((mirror) => mirror.publication !== undefined).map((mirror) => usage(mirror, status.baseUrl))}
      <h2>Runs</h2>
      ${runs.length === 0 ? html`<p>None yet.</p>` : runTable(runs)}
      ${
        status.git &&
        html`<h2>Change something</h2>
          <pre>
git clone ${status.baseUrl}/git/site.git
git push        # asks for the admin token as the password; the plan is printed as you push</pre>`
      }
      <p class="soft">
        <a href="/api/v1/openapi.json">API</a> · <a href="/metrics">metrics</a> · <a href="/readyz">readiness</a>
      </p>`,
  )
}

function mirrorTable(mirrors: readonly MirrorSummary[]): Html {
  const rows = mirrors.map(({ name, format, publication, packageCount, sizeBytes }) => {
    const link = publication ? html`<a href="/${format}/${name}/">${name}</a>` : html`${name}`
    const snapshot = publication
      ? html`${name}@${publication.snapshotNumber}, since ${publication.sealedAt}`
      : html`<span class="soft">not published yet</span>`
    return html`<tr>
      <td>${link}</td>
      <td>${format}</td>
      <td>${snapshot}</td>
      <td class="number">${packageCount}</td>
      <td class="number">${formatBytes(sizeBytes)}</td>
    </tr> `
  })
  return html`<table>
    <tr>
      <th>name</th>
      <th>format</th>
      <th>published</th>
      <th class="number">packages</th>
      <th class="number">size</th>
    </tr>
    ${rows}
  </table>`
}

function usage({ name, format }: MirrorSummary, baseUrl: string): Html {
  const source = format === 'apt' ? '.sources' : '.repo'
  return html`<p>
      Make a machine a client of <b>${name}</b> (<a href="/setup/${name}">the script</a>,
      <a href="/setup/${name}${source}">the source alone</a>, <a href="/keys/${name}.asc">the key</a>):
    </p>
    <pre>curl -fsS ${baseUrl}/setup/${name} | sudo sh</pre>`
}

function runTable(runs: readonly RunSummary[]): Html {
  const rows = runs.map(({ id, goal, branch, commit, state, createdAt, error }) => {
    const tone = state === 'succeeded' ? 'good' : state === 'failed' ? 'bad' : 'soft'
    const why = error && html`<br /><span class="soft">${error.message}</span>`
    return html`<tr>
      <td><a href="/runs/${id}">${id}</a></td>
      <td>${goal}</td>
      <td>${branch} <code>${commit.slice(0, 12)}</code></td>
      <td><span class="${tone}">${state}</span>${why}</td>
      <td>${createdAt}</td>
    </tr> `
  })
  return html`<table>
    <tr>
      <th>run</th>
      <th>goal</th>
      <th>commit</th>
      <th>state</th>
      <th>created</th>
    </tr>
    ${rows}
  </table>`
}
