export { createAptFormat, type AptFormat, type AptFormatOptions } from './format.ts'
export { aptGrammar } from './grammar.ts'
export { hostArchitecture, hostSuite } from './host-defaults.ts'
