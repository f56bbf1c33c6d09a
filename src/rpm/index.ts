export { rpmGrammar } from './grammar.ts'
