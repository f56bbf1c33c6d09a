import { html } from '../pages/html.ts'
import { renderPage } from '../pages/page.ts'

/** A listing for people. Names of folders end with a slash. */
export function renderFolder(title: string, names: readonly string[], options: { root: boolean }): string {
  const up = options.root
    ? undefined
    : html`<tr>
        <td><a href="../">../</a></td>
      </tr>`
  const rows = names.map(
    (name) =>
      html`<tr>
        <td><a href="${hrefOf(name)}">${name}</a></td>
      </tr>`,
  )
  return renderPage(
    title,
    html`<h1>${title}</h1>
      <table>
        ${up}${rows}
      </table>`,
  )
}

/** `./` keeps a name with a colon from being read as a scheme. */
function hrefOf(name: string): string {
  const folder = name.endsWith('/')
  return `./${encodeURIComponent(folder ? name.slice(0, -1) : name)}${folder ? '/' : ''}`
}
