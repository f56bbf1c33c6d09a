export { createRpmFormat, type RpmFormatOptions } from './format.ts'
export { rpmGrammar } from './grammar.ts'
export { parseInstalledRpm, type InstalledRpm } from './header/installed-rpm.ts'
