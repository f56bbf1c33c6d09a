import { expect, it } from 'vitest'
import { isLarderError } from '../../core/index.ts'
import { renderTemplate, templateNames } from './render-template.ts'

const variables = {
  port: 80,
  name: '<a & "b">',
  on: true,
  off: false,
  list: [{ host: 'a' }, { host: 'b' }],
  none: [],
  map: { 'a-b': { c: 'deep' } },
  secrets: { 'tls.key': 'K', 'a.b.c': 'L' },
}

it.each([
  ['listen {{port}};', 'listen 80;'],
  ['{{name}} {{{name}}} {{&name}}', '<a & "b"> <a & "b"> <a & "b">'],
  ['{{#list}}server {{host}}:{{port}}\n{{/list}}', 'server a:80\nserver b:80\n'],
  ['{{^none}}nobody{{/none}}{{^missing}}!{{/missing}}', 'nobody!'],
  ['{{#on}}yes{{/on}}{{#off}}no{{/off}}{{#missing}}no{{/missing}}', 'yes'],
  ['{{map.a-b.c}}{{! a comment }}', 'deep'],
  ['{{#map}}{{a-b.c}}{{/map}}', 'deep'],
  ['{{#secrets.tls.key}}key {{.}}{{/secrets.tls.key}}{{^secrets.none}}!{{/secrets.none}}', 'key K!'],
  ['{{secrets.tls.key}}{{#on}}{{secrets.a.b.c}}{{/on}}', 'KL'],
  ["it's $HOME `x` \\ {", "it's $HOME `x` \\ {"],
])('%j', (template, expected) => {
  expect(renderTemplate(template, variables, 't')).toBe(expected)
})

it.each([
  ['a\n{{prot}}', 't:2: "prot" is not there.'],
  ['{{list}}', 't:1: "list" is a list or a map, not text.'],
  ['{{constructor}}', 't:1: "constructor" is not there.'],
  ['{{secrets.tls}}', 't:1: "secrets.tls" is not there.'],
  ['{{map.toString}}', 't:1: "map.toString" is not there.'],
  ['\n\n{{#on}}', 't:3: unclosed section "on".'],
  ['x {{/on}}', 't:1: unopened section "on".'],
  ['{{on', 't:1: unclosed tag.'],
  ['a\n{{> other}}', 't:2: the partial "other": a template is one file.'],
  [
    'a\n{{#secrets}}{{db}}{{/secrets}}',
    't:2: "secrets" is no list: a section asks for one of them, as in {{#secrets.db}}.',
  ],
  ['{{=<% %>=}}', 't:1: other delimiters are not known here.'],
])('%j is refused with its line', (template, message) => {
  expect(() => renderTemplate(template, variables, 't')).toThrow(
    expect.objectContaining({ message, code: 'FLEET_TEMPLATE_INVALID' }),
  )
})

it('names what it shows, and whether items of a list may be meant', () => {
  expect(templateNames('{{a}}\n{{#list}}{{b}}{{/list}}', 't')).toEqual([
    { name: 'a', line: 1, isOutermost: true },
    { name: 'b', line: 2, isOutermost: false },
  ])
  expect(templateNames('{{#a}}{{a}}{{/a}}{{^b}}{{b}}{{/b}}', 't')).toEqual([{ name: 'b', line: 1, isOutermost: false }])
  expect(() => templateNames('{{', 't')).toThrow(expect.toSatisfy((error: unknown) => isLarderError(error)))
})
