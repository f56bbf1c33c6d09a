import { createHash } from 'node:crypto'
import { html, Html } from './html.ts'

/** A whole page: no script, nothing loaded from anywhere. */
export function renderPage(title: string, body: Html): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title}</title>
        ${styleElement}
      </head>
      <body>
        ${body}
      </body>
    </html> `.text
}

const style = `
:root { color-scheme: light dark; --line: #8884; --soft: #888; --good: #2a7d3f; --bad: #c0392b; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin: 0 0 .25rem; } h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
p { margin: .5rem 0; } .soft { color: var(--soft); } .good { color: var(--good); } .bad { color: var(--bad); }
table { border-collapse: collapse; width: 100%; } th { text-align: left; font-weight: 600; }
th, td { padding: .35rem .75rem .35rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
pre { background: #8881; padding: .75rem; border-radius: .4rem; overflow-x: auto; } code { font-size: .92em; }
a { color: inherit; }
`

/** In one piece: its digest below is over every byte between the tags. */
const styleElement = new Html(`<style>${style}</style>`)

/** The one style that a page may carry: by digest, so that nothing that is injected is applied. */
export const pageSecurityPolicy = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`
