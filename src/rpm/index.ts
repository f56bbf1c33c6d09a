export { createRpmFormat, type RpmFormatOptions } from './format.ts'
export { rpmGrammar } from './grammar.ts'
