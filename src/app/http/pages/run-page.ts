import { formatProblem } from '../../../core/index.ts'
import type { PreviewSummary, RunDetail } from '../../controller.ts'
import { describePlan } from '../../describe-plan.ts'
import { html, type Html } from './html.ts'
import { renderPage } from './page.ts'

export interface RunPage {
  run: RunDetail
  log: readonly { at: string; message: string }[]
  previews: readonly PreviewSummary[]
}

/** The end of a long log is what people look for. */
const mostLines = 1000

/** What became of one commit: where the links of states and comments in a forge lead. */
export function renderRun({ run, log, previews }: RunPage): string {
  const { id, goal, branch, commit, state, origin, pullRequest, error, plan, problems } = run
  const tone = state === 'succeeded' ? 'good' : state === 'failed' ? 'bad' : 'soft'
  const about = pullRequest === undefined ? branch : `pull request ${pullRequest}, ${branch}`
  const changes = plan === undefined ? [] : describePlan(plan)
  return renderPage(
    `Run ${id} · Larder`,
    html`<h1>Run ${id}: <span class="${tone}">${state}</span></h1>
      <p class="soft">${goal} of ${about} at <code>${commit.slice(0, 12)}</code> · ${origin} · ${run.createdAt}</p>
      ${
        error &&
        html`<p class="bad">${error.message}</p>
          ${error.hint && html`<p>${error.hint}</p>`}`
      }
      ${problems.length > 0 && lines(problems.map(formatProblem))} ${previews.map(previewUse)}
      ${
        changes.length > 0 &&
        html`<h2>Plan</h2>
          ${lines(changes)}`
      }
      <h2>Steps</h2>
      ${run.steps.length === 0 ? html`<p>None yet.</p>` : stepTable(run)}
      <h2>Log</h2>
      ${log.length > mostLines && html`<p class="soft">The last ${mostLines} of ${log.length} lines.</p>`}
      ${lines(log.slice(-mostLines).map(({ at, message }) => `${at.slice(11, 19)} ${message}`))}
      <p class="soft"><a href="/">all runs</a> · <a href="/api/v1/runs/${id}">as JSON</a></p>`,
  )
}

function previewUse({ mirror, setupUrl, url, expiresAt }: PreviewSummary): Html {
  return html`<p>
      A preview of <b>${mirror}</b> (<a href="${url}">its files</a>) is there until ${expiresAt}, signed by a key that
      no mirror has:
    </p>
    <pre>curl -fsS ${setupUrl} | sudo sh</pre>`
}

function lines(texts: readonly string[]): Html {
  return html`<pre>${texts.join('\n')}</pre>`
}

function stepTable({ steps }: RunDetail): Html {
  const rows = steps.map(({ name, state, startedAt, finishedAt }) => {
    const tone = state === 'failed' ? 'bad' : 'soft'
    const tookMs = finishedAt === undefined ? undefined : Date.parse(finishedAt) - Date.parse(startedAt)
    return html`<tr>
      <td>${name}</td>
      <td><span class="${tone}">${state}</span></td>
      <td class="number">${tookMs === undefined ? '' : `${tookMs} ms`}</td>
    </tr> `
  })
  return html`<table>
    <tr>
      <th>step</th>
      <th>state</th>
      <th class="number">took</th>
    </tr>
    ${rows}
  </table>`
}
